/**
 * One HTTP/1.1 connection on a bare socket, which does hardly any work while it reads event
 * streams.
 */
import { connect, type Socket } from 'node:net';
import { sharedClock } from './answer.ts';

/**
 * The answer to one request. Times are in ms of the shared clock; `firstTokenAt` is NaN when none
 * came.
 */
export type Reading = {
  sentAt: number;
  firstTokenAt: number;
  endedAt: number;
  status: number;
  body: Buffer;
};

const HEAD_END = Buffer.from('\r\n\r\n');
/** Includes the line break before it, because a header may also end in a zero. */
const CHUNKED_END = Buffer.from('\r\n0\r\n\r\n');
/** Longer than any answer of the benchmark on a server that is worth measuring. */
const TIME_LIMIT_MS = 90_000;

/** A connection to `port` on this machine that stays open between requests. */
export class StreamClient {
  #socket: Socket;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
  }

  /**
   * Sends a request and reads its answer to the end.
   * @param onFirstToken called when the bytes of `firstToken` have come
   * @throws when the connection breaks or time runs out
   */
  async read({
    request,
    firstToken,
    onFirstToken,
  }: {
    request: Buffer;
    firstToken: Buffer;
    onFirstToken?: () => void;
  }): Promise<Reading> {
    const socket = this.#socket;
    const chunks: Buffer[] = [];
    const sentAt = sharedClock();
    let firstTokenAt = Number.NaN;
    await new Promise<void>((resolve, reject) => {
      const onData = (data: Buffer): void => {
        chunks.push(data);
        if (Number.isNaN(firstTokenAt) && holds(chunks, firstToken)) {
          firstTokenAt = sharedClock();
          onFirstToken?.();
        }
        if (isWhole(chunks)) finish();
      };
      const finish = (error?: Error): void => {
        clearTimeout(timer);
        socket.off('data', onData).off('error', finish).off('close', onClose);
        if (error) reject(error);
        else resolve();
      };
      const onClose = (): void => finish(new Error('the connection was closed in mid-answer'));
      const timer = setTimeout(
        () => finish(new Error(`no end after ${TIME_LIMIT_MS} ms`)),
        TIME_LIMIT_MS,
      );
      socket.on('data', onData).on('error', finish).on('close', onClose);
      socket.write(request);
    });
    return { sentAt, firstTokenAt, endedAt: sharedClock(), ...decode(Buffer.concat(chunks)) };
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Returns the bytes of a POST of JSON that requests an event stream. */
export function postRequest({ path, body }: { path: string; body: string }): Buffer {
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/** Returns the bytes of a GET of an event stream. */
export function getRequest(path: string): Buffer {
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n`,
  );
}

/** Searches for the first token. Only the few chunks before it are ever searched. */
function holds(chunks: Buffer[], marker: Buffer): boolean {
  return (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).includes(marker);
}

function isWhole(chunks: Buffer[]): boolean {
  const last = chunks.at(-1)!;
  const end =
    last.length >= CHUNKED_END.length ? last : Buffer.concat(chunks.slice(-CHUNKED_END.length));
  if (end.subarray(-CHUNKED_END.length).equals(CHUNKED_END)) return true;
  const first = chunks[0]!;
  if (chunks.length > 4 || first.includes('chunked')) return false;
  const all = Buffer.concat(chunks);
  const headEnd = all.indexOf(HEAD_END);
  const length = /content-length: *(\d+)/i.exec(
    all.toString('latin1', 0, Math.max(headEnd, 0)),
  )?.[1];
  return length !== undefined && all.length >= headEnd + HEAD_END.length + Number(length);
}

function decode(raw: Buffer): { status: number; body: Buffer } {
  const headEnd = raw.indexOf(HEAD_END);
  const head = raw.toString('latin1', 0, headEnd);
  const status = Number(head.slice(9, 12));
  const body = raw.subarray(headEnd + HEAD_END.length);
  return { status, body: /transfer-encoding: *chunked/i.test(head) ? dechunk(body) : body };
}

function dechunk(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf('\r\n', at);
    if (lineEnd < 0) break;
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16);
    if (!(size > 0)) break;
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return Buffer.concat(parts);
}
