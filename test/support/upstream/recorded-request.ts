import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseJson } from '../json.ts';

export type WireName =
  | 'openai-chat'
  | 'openai-responses'
  | 'openai-embeddings'
  | 'groq'
  | 'gemini'
  | 'gemini-embeddings'
  | 'unknown';

/**
 * The data of one request that a test can see; the fields of the answer change while it is written.
 */
export interface RecordedRequest {
  wire: WireName;
  /** Milliseconds since 1970. */
  at: number;
  method: string;
  /** With the query, without the origin. */
  path: string;
  model: string;
  stream: boolean;
  /** Keys are replaced by `<hidden>`. */
  headers: Record<string, string>;
  /** True if the expected key was sent in the place that this service expects. */
  keyAccepted: boolean;
  keySent: boolean;
  body: unknown;
  status: number | undefined;
  bytesWritten: number;
  tokensWritten: number;
  /** What the answer says, or would have said, that it used; not of embeddings. */
  usage?: { input: unknown; output: unknown };
  /** True if the answer was written to its end, as far as the script wanted. */
  finished: boolean;
  /** True if the client left before that. */
  aborted: boolean;
  abortedAt: number | undefined;
  /** True if the script broke the connection. */
  brokenByUs: boolean;
  /** Aborts when the connection is over, whoever ended it. */
  gone: AbortSignal;
  /** Settles when the connection or the answer is over. */
  closed: Promise<void>;
  /** Settles when the test releases the model. */
  released: Promise<void>;
}

const keyHeaders = ['authorization', 'x-goog-api-key', 'api-key'];

export async function recordRequest(
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  expectedKey: string,
): Promise<RecordedRequest> {
  const over = new AbortController();
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
  );
  const keys = keyHeaders.flatMap((name) => headers[name] ?? []);
  const record: RecordedRequest = {
    wire: 'unknown',
    at: Date.now(),
    method: request.method ?? '',
    path: request.url ?? '',
    model: '',
    stream: false,
    headers: { ...headers, ...hide(headers) },
    keyAccepted: keys.some((key) => key === expectedKey || key === `Bearer ${expectedKey}`),
    keySent: keys.length > 0,
    body: undefined,
    status: undefined,
    bytesWritten: 0,
    tokensWritten: 0,
    finished: false,
    aborted: false,
    abortedAt: undefined,
    brokenByUs: false,
    gone: over.signal,
    closed,
    // Replaced as soon as the model is known.
    released: Promise.resolve(),
  };
  response.on('error', () => over.abort());
  response.on('close', () => {
    record.finished = response.writableFinished;
    record.aborted = !record.finished && !record.brokenByUs;
    if (record.aborted) record.abortedAt = Date.now();
    over.abort();
    resolve();
  });
  record.body = parseJson(await readBody(request));
  return record;
}

function hide(headers: Record<string, string>): Record<string, string> {
  const sent = keyHeaders.filter((name) => name in headers);
  return Object.fromEntries(sent.map((name) => [name, '<hidden>']));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  try {
    // Node's request is an async iterable of Buffers as long as no encoding is set.
    for await (const part of request) parts.push(part as Buffer);
  } catch {
    return '';
  }
  return Buffer.concat(parts).toString();
}
