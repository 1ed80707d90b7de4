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
import { isEventStream, networkBy, type BodyTap, type Network } from '../models/network.ts';

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
    const request = open(url, init, body);
    request.once('response', (incoming) => resolve(responseOf(incoming, request, tap)));
    request.once('error', (error) => {
      // The words by which the providers know that the network failed. After an answer this does nothing.
      reject(
        init.signal?.aborted
          ? abortError(init.signal)
          : new TypeError('fetch failed', { cause: error }),
      );
    });
    request.end(body);
  });
}

function open(url: URL, init: RequestInit, body: string): ClientRequest {
  const headers = Object.fromEntries(new Headers(init.headers));
  const options = {
    method: init.method ?? 'GET',
    headers: {
      ...headers,
      'accept-encoding': 'identity',
      'content-length': String(Buffer.byteLength(body)),
    },
    signal: init.signal ?? undefined,
  };
  if (url.protocol === 'https:') return httpsRequest(url, { ...options, agent: agents['https:'] });
  return httpRequest(url, { ...options, agent: agents['http:'] });
}

function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new DOMException('aborted', 'AbortError');
}

/** Statuses that have no body. */
const BODILESS = new Set([204, 205, 304]);

function responseOf(
  incoming: IncomingMessage,
  request: ClientRequest,
  tap: BodyTap | undefined,
): Response {
  const status = incoming.statusCode ?? 500;
  const headers = new Headers();
  for (let index = 0; index + 1 < incoming.rawHeaders.length; index += 2) {
    headers.append(incoming.rawHeaders[index] ?? '', incoming.rawHeaders[index + 1] ?? '');
  }
  if (BODILESS.has(status)) {
    incoming.resume();
    return new Response(null, { status, headers });
  }
  return new Response(bodyOf(incoming, request, isEventStream(headers) ? tap : undefined), {
    status,
    statusText: incoming.statusMessage,
    headers,
  });
}

/**
 * The body as it arrives: what one read of the socket brought goes on in one piece, and nothing is read that nobody asked for. What the tap keeps for itself costs no
 * stream at all.
 */
function bodyOf(
  incoming: IncomingMessage,
  request: ClientRequest,
  tap: BodyTap | undefined,
): ReadableStream<Uint8Array> {
  let pieces: Buffer[] = [];
  let isOver = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const flush = () => {
          const [first] = pieces;
          if (isOver || !first) return;
          const arrived = pieces.length === 1 ? first : Buffer.concat(pieces);
          pieces = [];
          handOn(tap ? tap.push(arrived) : arrived);
        };
        const handOn = (bytes: Uint8Array) => {
          if (isOver || bytes.length === 0) return;
          controller.enqueue(bytes);
          if ((controller.desiredSize ?? 0) <= 0) incoming.pause();
        };
        const fail = (error: Error) => {
          flush();
          if (isOver) return;
          isOver = true;
          controller.error(new TypeError('terminated', { cause: error }));
        };
        incoming.on('data', (piece: Buffer) => {
          // All pieces of one read are parsed before any microtask runs.
          if (pieces.push(piece) === 1) queueMicrotask(flush);
        });
        incoming.once('end', () => {
          flush();
          if (tap) handOn(tap.rest());
          if (isOver) return;
          isOver = true;
          controller.close();
        });
        incoming.once('error', fail);
        request.once('error', fail);
        incoming.once('close', () =>
          fail(new Error('the connection ended in the middle of the body')),
        );
        incoming.pause();
      },
      pull() {
        incoming.resume();
      },
      cancel() {
        isOver = true;
        request.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}
