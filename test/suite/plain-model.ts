/**
 * A chat model that says exactly the chunks it is told to, for what the scripted model service does
 * not say: text and calls in one step, odd finishes.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { asRecord, asText, parseJson } from '../support/json.ts';
import { unique } from './target.ts';

/** One answer: the deltas of its chunks, and its finish. */
export interface PlainStep {
  deltas: object[];
  finish: string;
}

export interface PlainModel {
  /** The base URL of a service that speaks chat completions. */
  url: string;
  /** Makes a model that answers its nth request by the nth step; answers its name. */
  script(steps: PlainStep[]): string;
  /** What a model was sent, oldest first. */
  bodies(name: string): unknown[];
  close(): Promise<void>;
}

export async function startPlainModel(): Promise<PlainModel> {
  const scripts = new Map<string, PlainStep[]>();
  const bodies = new Map<string, unknown[]>();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = parseJson(Buffer.concat(parts).toString());
      const name = asText(asRecord(body)['model']);
      const seen = bodies.get(name) ?? [];
      bodies.set(name, [...seen, body]);
      const step = scripts.get(name)?.[seen.length];
      response.writeHead(step ? 200 : 404, { 'content-type': 'text/event-stream' });
      response.end(step && framesOf(name, step));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server's address is always an object; only pipes have a string.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    script(steps) {
      const name = unique('plain');
      scripts.set(name, steps);
      return name;
    },
    bodies: (name) => bodies.get(name) ?? [],
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function framesOf(model: string, { deltas, finish }: PlainStep): string {
  const chunk = (delta: object, finish_reason: string | null) =>
    `data: ${JSON.stringify({
      id: 'plain',
      object: 'chat.completion.chunk',
      created: 0,
      model,
      choices: [{ index: 0, delta, finish_reason }],
    })}\n\n`;
  return [...deltas.map((delta) => chunk(delta, null)), chunk({}, finish), 'data: [DONE]\n\n'].join(
    '',
  );
}
