/**
 * The network for the model providers on Node, over `node:http`: with hundreds of streams open at once it takes two thirds of the CPU and of the memory that the built-in one
 * takes. It does what the providers ask of it and no more: a text body, an answer that is streamed, a signal that ends both.
 */
import {
  request as httpRequest,
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
} from 'node:http';
import { request as httpsRequest, Agent as HttpsAgent } from 'node:https';
import {
  headerRecord,
  isEventStream,
  networkBy,
  type BodyTap,
  type Network,
} from '../models/network.ts';

/** An idle connection is closed before the other side is likely to: what is sent on one that has just been closed is lost, and must not be sent twice. */
const IDLE_MS = 4_000;
const CONNECTIONS = { keepAlive: true, maxFreeSockets: 64, timeout: IDLE_MS };
const agents = { 'http:': new HttpAgent(CONNECTIONS), 'https:': new HttpsAgent(CONNECTIONS) };

/** A redirect is an answer like any other: it is not followed, since it would carry a key to another address. */
export const nodeNetwork: Network = (input, init = {}, tap) => {
  const url = input instanceof Request ? undefined : new URL(String(input));
  const { body } = init;
  const isPlain = body === undefined || body === null || typeof body === 'string';
  if (!url || !isPlain || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    return networkBy(fetch)(input, init, tap);
  return ask(url, init, body ?? '', tap);
};

function ask(
  url: URL,
  init: RequestInit,
  body: string,
  tap: BodyTap | undefined,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { signal } = init;
    if (signal?.aborted) throw abortError(signal);
    const request = open(url, init, body);
    // The library's own way of taking a signal watches the request for half a dozen events.
    const abort = () => signal && request.destroy(abortError(signal));
    signal?.addEventListener('abort', abort, { once: true });
    // The words by which the providers know that the network failed.
    const fail = (error: unknown) =>
      reject(
        signal?.aborted ? abortError(signal) : new TypeError('fetch failed', { cause: error }),
      );
    let isAnswered = false;
    request.once('response', (incoming) => {
      isAnswered = true;
      try {
        answer(incoming, request, tap, resolve);
      } catch (error) {
        // A status that is none, of 0 or 999. Nobody would catch it here, and the process would end.
        request.destroy();
        fail(error);
      }
    });
    request.once('error', (error) => {
      // Once an answer has begun it is its body that has failed.
      if (!isAnswered || signal?.aborted) fail(error);
    });
    request.once('close', () => {
      signal?.removeEventListener('abort', abort);
      // An offer of another protocol is closed without a word.
      if (!isAnswered) fail(new Error('closed without an answer'));
    });
    request.end(body);
  });
}

function open(url: URL, init: RequestInit, body: string): ClientRequest {
  const options = {
    method: init.method ?? 'GET',
    headers: {
      ...headerRecord(init.headers),
      'accept-encoding': 'identity',
      'content-length': String(Buffer.byteLength(body)),
    },
  };
  if (url.protocol === 'https:') return httpsRequest(url, { ...options, agent: agents['https:'] });
  return httpRequest(url, { ...options, agent: agents['http:'] });
}

function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new DOMException('aborted', 'AbortError');
}

/** Statuses that have no body. */
const BODILESS = new Set([204, 205, 304]);

/** Answers at once, or when the tap hands on what it has followed: never, if it never does. */
function answer(
  incoming: IncomingMessage,
  request: ClientRequest,
  tap: BodyTap | undefined,
  resolve: (response: Response) => void,
): void {
  const status = incoming.statusCode ?? 500;
  const respond = (body: ReadableStream<Uint8Array> | null) => {
    // The words beside the status are left out: nobody reads them, and odd ones would be refused.
    resolve(new Response(body, { status, headers: headersOf(incoming) }));
  };
  if (BODILESS.has(status)) {
    incoming.resume();
    respond(null);
  } else if (tap && isEventStream(status, incoming.headers['content-type'])) {
    followBody(incoming, request, tap, respond);
  } else {
    const stream = new BodyStream(incoming, request);
    listen(incoming, request, stream);
    respond(stream.readable);
  }
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '');
  }
  return headers;
}

/** Hears of a body as it arrives: what one read of the socket brought comes in one piece. */
interface BodyListener {
  onBytes(bytes: Uint8Array): void;
  onEnd(): void;
  onFailure(error: Error): void;
}

function listen(incoming: IncomingMessage, request: ClientRequest, listener: BodyListener): void {
  let pieces: Buffer[] = [];
  let isOver = false;
  const flush = () => {
    const [first] = pieces;
    if (isOver || !first) return;
    const arrived = pieces.length === 1 ? first : Buffer.concat(pieces);
    pieces = [];
    listener.onBytes(arrived);
  };
  const fail = (error: Error) => {
    flush();
    if (isOver) return;
    isOver = true;
    listener.onFailure(new TypeError('terminated', { cause: error }));
  };
  incoming.on('data', (piece: Buffer) => {
    // All pieces of one read are parsed before any microtask runs.
    if (pieces.push(piece) === 1) queueMicrotask(flush);
  });
  incoming.once('end', () => {
    flush();
    // A body that lasts until the connection closes ends after a reset, too.
    if (isOver) return;
    isOver = true;
    listener.onEnd();
  });
  incoming.once('error', fail);
  request.once('error', fail);
  incoming.once('close', () => {
    if (!isOver) fail(new Error('the connection ended in the middle of the body'));
  });
}

/** Shows the tap what arrives until it hands on; from there on it is the body of the answer. */
function followBody(
  incoming: IncomingMessage,
  request: ClientRequest,
  tap: BodyTap,
  respond: (body: ReadableStream<Uint8Array>) => void,
): void {
  let stream: BodyStream | undefined;
  const handOn = (bytes: Uint8Array | undefined) => {
    if (!bytes) return;
    stream = new BodyStream(incoming, request);
    stream.onBytes(bytes);
    respond(stream.readable);
  };
  listen(incoming, request, {
    onBytes(bytes) {
      if (stream) stream.onBytes(bytes);
      else handOn(tap.push(bytes));
    },
    onEnd() {
      if (!stream) handOn(tap.end());
      stream?.onEnd();
    },
    onFailure(error) {
      if (!stream) handOn(tap.fail());
      stream?.onFailure(error);
    },
  });
}

/** A body as a stream; nothing is read that nobody asked for. */
class BodyStream implements BodyListener {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #incoming: IncomingMessage;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(incoming: IncomingMessage, request: ClientRequest) {
    this.#incoming = incoming;
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#controller = controller),
        pull: () => void incoming.resume(),
        cancel: () => {
          this.#controller = undefined;
          request.destroy();
        },
      },
      { highWaterMark: 0 },
    );
    incoming.pause();
  }

  onBytes(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#controller?.enqueue(bytes);
    if ((this.#controller?.desiredSize ?? 0) <= 0) this.#incoming.pause();
  }

  onEnd(): void {
    this.#controller?.close();
  }

  onFailure(error: Error): void {
    this.#controller?.error(error);
  }
}
