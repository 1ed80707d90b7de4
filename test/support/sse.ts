/** Reads event streams like a client, over a real connection that can really break. */
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { SseParser, type SseComment, type SseEvent } from './sse-parser.ts';

export { SseParser, type SseComment, type SseEvent } from './sse-parser.ts';

export interface StreamInit {
  method?: string;
  headers?: Record<string, string>;
  /** Sent as application/json; makes the method POST. */
  json?: unknown;
  /** Sent as Last-Event-ID unless empty; the events' `id` starts from it, as in a browser. */
  lastEventId?: string;
}

export interface OpenStream extends AsyncIterable<SseEvent> {
  status: number;
  headers: IncomingMessage['headers'];
  isEventStream: boolean;
  /** All events so far. Iterating the stream gives the same from the start, then waits for more. */
  events: SseEvent[];
  comments: SseComment[];
  parser: SseParser;
  /** The time of the headers and of each piece of the body, on the clock of `performance.now()`. */
  openedAt: number;
  pieces: { at: number; bytes: number }[];
  bytes(): Buffer;
  /** Returns the next event (of this type) after the one that `next` returned last. */
  next(type?: string, timeoutMs?: number): Promise<SseEvent>;
  /** Reads to the end: `end` if it was proper, `cut` if the connection broke or was closed. */
  collect(timeoutMs?: number): Promise<{ events: SseEvent[]; ended: 'end' | 'cut'; text: string }>;
  /** Stops reading from the socket, so that the sender's buffers fill. */
  stopReading(): void;
  readOn(): void;
  /** Drops the connection now. */
  close(): void;
}

/** Resolves with the headers, whatever the status; rejects when no answer comes. */
export function openStream(url: string, init: StreamInit = {}): Promise<OpenStream> {
  const { lastEventId = '' } = init;
  const body = init.json === undefined ? undefined : JSON.stringify(init.json);
  const headers: OutgoingHttpHeaders = { accept: 'text/event-stream', ...init.headers };
  if (body !== undefined) {
    headers['content-type'] ??= 'application/json';
    headers['content-length'] = Buffer.byteLength(body);
  }
  if (lastEventId !== '') headers['last-event-id'] = lastEventId;
  const method = init.method ?? (body === undefined ? 'GET' : 'POST');
  const { promise, resolve, reject } = Promise.withResolvers<OpenStream>();
  // A connection of its own, so that closing it is a disconnect and nothing else.
  const request = httpRequest(url, { method, headers, agent: false });
  request.on('error', reject);
  request.on('response', (response) => {
    resolve(readStream(response, lastEventId, () => request.destroy()));
  });
  request.end(body);
  return promise;
}

function readStream(response: IncomingMessage, lastEventId: string, close: () => void): OpenStream {
  const events: SseEvent[] = [];
  const comments: SseComment[] = [];
  const chunks: Buffer[] = [];
  const pieces: OpenStream['pieces'] = [];
  let ended: 'end' | 'cut' | undefined;
  let changed = Promise.withResolvers<void>();
  let given = 0;
  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const parser = new SseParser(
    (event) => events.push(event),
    (comment) => comments.push(comment),
    lastEventId,
  );
  const isEventStream = /^text\/event-stream\b/u.test(response.headers['content-type'] ?? '');
  response.on('data', (bytes: Buffer) => {
    chunks.push(bytes);
    pieces.push({ at: performance.now(), bytes: bytes.length });
    if (isEventStream) parser.push(bytes);
    wake();
  });
  response.on('error', () => undefined);
  response.on('close', () => {
    ended = response.complete ? 'end' : 'cut';
    wake();
  });

  async function next(type?: string, timeoutMs = 10_000): Promise<SseEvent> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const event = events[given];
      if (event !== undefined) given += 1;
      if (event !== undefined && (type === undefined || event.type === type)) return event;
      if (event !== undefined) continue;
      if (ended)
        throw new Error(`the stream ended (${ended}) before ${type ?? 'an event'}${seen()}`);
      await within(changed.promise, deadline, () => `no ${type ?? 'event'} in time${seen()}`);
    }
  }
  const seen = () => `; seen: ${events.map((event) => event.type).join(', ') || 'nothing'}`;

  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    isEventStream,
    events,
    comments,
    parser,
    openedAt: performance.now(),
    pieces,
    bytes: () => Buffer.concat(chunks),
    next,
    async collect(timeoutMs = 30_000) {
      const deadline = performance.now() + timeoutMs;
      while (ended === undefined) {
        await within(changed.promise, deadline, () => `the stream did not end${seen()}`);
      }
      return { events, ended, text: Buffer.concat(chunks).toString() };
    },
    stopReading: () => void response.pause(),
    readOn: () => void response.resume(),
    close,
    async *[Symbol.asyncIterator]() {
      for (let index = 0; ;) {
        const event = events[index];
        if (event !== undefined) {
          index += 1;
          yield event;
        } else if (ended !== undefined) return;
        else await changed.promise;
      }
    },
  };
}

async function within(promise: Promise<void>, deadline: number, message: () => string) {
  const late = Promise.withResolvers<never>();
  const left = Math.max(0, deadline - performance.now());
  const timer = setTimeout(() => late.reject(new Error(message())), left);
  try {
    await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
