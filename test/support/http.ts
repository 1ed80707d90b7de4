/**
 * A small HTTP client that sends exactly what it is given: duplicate headers, any Host, chunked
 * bodies.
 */
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { parseJson } from './json.ts';

export interface RequestInit {
  /** Default GET, or POST with a body. */
  method?: string;
  json?: unknown;
  /** Pairs may repeat a name. `host` replaces the real one. */
  headers?: Record<string, string> | [string, string][];
  /** Sent as it is; pieces of an iterable are sent chunked, without a length. */
  rawBody?:
    | string
    | Uint8Array
    | Iterable<string | Uint8Array>
    | AsyncIterable<string | Uint8Array>;
  /** Default 30000. */
  timeoutMs?: number;
}

export interface Answer<Body> {
  status: number;
  headers: IncomingHttpHeaders;
  /** As they came: name, value, name, value. */
  rawHeaders: string[];
  /** The parsed body, undefined when it is no JSON. */
  json: Body;
  text: string;
  bytes: Buffer;
}

/**
 * Makes one request on a connection of its own. `Body` is the shape that the caller expects and
 * then asserts; nothing checks it here. Rejects only when there is no complete answer.
 */
export async function request<Body = unknown>(
  url: string,
  init: RequestInit = {},
): Promise<Answer<Body>> {
  const body = init.json === undefined ? init.rawBody : JSON.stringify(init.json);
  const method = init.method ?? (body === undefined ? 'GET' : 'POST');
  const response = await send(new URL(url), { ...init, method, body });
  const parts: Buffer[] = [];
  // Node's response is an async iterable of Buffers as long as no encoding is set.
  for await (const part of response) parts.push(part as Buffer);
  const bytes = Buffer.concat(parts);
  const text = bytes.toString();
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    // The caller states the shape that it is about to assert.
    json: parseJson(text) as Body,
    text,
    bytes,
  };
}

function send(
  url: URL,
  { method, body, ...init }: RequestInit & { method: string; body: RequestInit['rawBody'] },
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = headerList(url, init, body);
  const outgoing = httpRequest(url, { method, headers, agent: false });
  const timeoutMs = init.timeoutMs ?? 30_000;
  const timer = setTimeout(() => {
    outgoing.destroy(new Error(`${method} ${url.href}: no whole answer in ${timeoutMs} ms`));
  }, timeoutMs);
  outgoing.on('close', () => clearTimeout(timer));
  outgoing.on('error', reject);
  outgoing.on('response', resolve);
  if (body === undefined || isWhole(body)) outgoing.end(body);
  else writePieces(outgoing, body).catch(reject);
  return promise;
}

async function writePieces(
  outgoing: ReturnType<typeof httpRequest>,
  pieces: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
): Promise<void> {
  for await (const piece of pieces) {
    if (outgoing.destroyed) return;
    await new Promise((resolve) => outgoing.write(piece, resolve));
  }
  outgoing.end();
}

/** Returns names and values in one list, with which node:http lets a name repeat. */
function headerList(url: URL, init: RequestInit, body: RequestInit['rawBody']): string[] {
  const { headers = {} } = init;
  const given = Array.isArray(headers) ? headers : Object.entries(headers);
  const names = new Set(given.map(([name]) => name.toLowerCase()));
  const list = given.flat();
  if (!names.has('host')) list.unshift('host', url.host);
  if (init.json !== undefined && !names.has('content-type')) {
    list.push('content-type', 'application/json');
  }
  const hasFraming = names.has('content-length') || names.has('transfer-encoding');
  if (hasFraming || body === undefined) return list;
  if (isWhole(body)) list.push('content-length', String(Buffer.byteLength(body)));
  else list.push('transfer-encoding', 'chunked');
  return list;
}

function isWhole(body: NonNullable<RequestInit['rawBody']>): body is string | Uint8Array {
  return typeof body === 'string' || body instanceof Uint8Array;
}
