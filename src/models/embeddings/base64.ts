/** Decodes vectors that some services send in base64, although numbers were requested. */
import { parseJson } from '../../core/json.ts';
import { z } from 'zod';
import type { HttpFetch } from '../http.ts';

const ANSWER = z.looseObject({ data: z.array(z.looseObject({ embedding: z.base64() })) });

const BYTES_OF_A_FLOAT = 4;

/** Wraps a network so that its answers contain numbers, which the provider can read. */
export function withNumbers(network: HttpFetch): HttpFetch {
  return async (input, init) => {
    const response = await network(input, init);
    if (!response.ok) return response;
    const body = await response.text();
    return new Response(/"embedding"\s*:\s*"/.test(body) ? numbersFor(body) : body, response);
  };
}

/**
 * Returns a body with numbers. A body that it does not understand is unchanged; the provider
 * refuses it.
 */
function numbersFor(body: string): string {
  const answer = ANSWER.safeParse(parseJson(body));
  if (!answer.success) return body;
  const data = answer.data.data.map((item) => ({ ...item, embedding: floatsIn(item.embedding) }));
  return JSON.stringify({ ...answer.data, data });
}

/** Decodes 4-byte floating point numbers, lowest byte first. */
function floatsIn(base64: string): number[] {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const count = Math.floor(bytes.length / BYTES_OF_A_FLOAT);
  return Array.from({ length: count }, (_, at) => view.getFloat32(at * BYTES_OF_A_FLOAT, true));
}
