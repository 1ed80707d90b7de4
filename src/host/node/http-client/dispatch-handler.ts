/** Turns the events of the dispatcher of `undici` into the response of a request. */
import type { Dispatcher } from 'undici';
import { isEventStream, type BodyInterceptor } from '../../../models/http.ts';
import { BodyStream, FollowedBody, type BodyListener } from './body.ts';
import { asError, decodedBody } from './decoded-body.ts';

export interface PendingRequest {
  /** Called when there is a response to read; never called when an interceptor reads its body. */
  resolve: (response: Response) => void;
  reject: (error: unknown) => void;
  signal: AbortSignal | undefined;
  /** Receives the body of a successful response that is an event stream. */
  interceptor: BodyInterceptor | undefined;
}

type Controller = Dispatcher.DispatchController;
type Head = { status: number; headers: Record<string, string | string[] | undefined> };

/** The statuses without a body. */
const BODILESS = new Set([204, 205, 304]);

/**
 * Handles one request. Its errors have the messages of `fetch`, which the libraries that call it
 * know.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: PendingRequest;
  #controller: Controller | undefined;
  /** Receives the body; undefined before the head of the response, and when there is no body. */
  #body: BodyListener | undefined;
  #pieces: Buffer[] = [];

  constructor(request: PendingRequest) {
    this.#request = request;
    request.signal?.addEventListener('abort', this.#abort, { once: true });
  }

  readonly #abort = () => {
    const { signal } = this.#request;
    // Nobody waits for a connection that is still being opened.
    if (signal) this.#giveUp(abortError(signal));
  };

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#request.signal?.aborted) this.#abort();
  }

  /** Receives the head. It throws when the status is out of range, which fails the request. */
  onResponseStart(controller: Controller, status: number, headers: Head['headers']): void {
    // Early hints come before the response.
    if (status < 200) return;
    const { interceptor, resolve } = this.#request;
    const head = { status, headers };
    const type = headers['content-type'];
    if (interceptor && isEventStream(status, typeof type === 'string' ? type : undefined)) {
      this.#body = this.#decoded(head, new FollowedBody(controller, interceptor));
    } else if (BODILESS.has(status)) {
      resolve(responseOf(head, null));
    } else {
      const body = new BodyStream(controller);
      resolve(responseOf(head, body.readable));
      this.#body = this.#decoded(head, body);
    }
  }

  #decoded({ headers }: Head, body: BodyListener): BodyListener {
    const encoding = headers['content-encoding'];
    if (!encoding) return body;
    return decodedBody(String(encoding), body, (error) => this.#giveUp(error));
  }

  onResponseData(_: Controller, piece: Buffer): void {
    // All pieces of one read are parsed before any microtask runs.
    if (this.#pieces.push(piece) === 1) queueMicrotask(() => this.#flush());
  }

  onResponseEnd(): void {
    this.#leave();
    const rest = this.#takeArrived();
    this.#tell((body) => body.onEnd(rest));
  }

  onResponseError(_: Controller, cause: Error): void {
    const { signal, reject } = this.#request;
    this.#leave();
    this.#breakOff(cause);
    // This has no effect after the response has been resolved.
    reject(signal?.aborted ? abortError(signal) : new TypeError('fetch failed', { cause }));
  }

  #leave(): void {
    this.#request.signal?.removeEventListener('abort', this.#abort);
  }

  #breakOff(cause: Error): void {
    this.#flush();
    this.#tell((body) => body.onFailure(new TypeError('terminated', { cause })));
  }

  #flush(): void {
    const arrived = this.#takeArrived();
    if (arrived) this.#tell((body) => body.onBytes(arrived));
  }

  /** Returns the bytes that arrived since the last call. */
  #takeArrived(): Buffer | undefined {
    const [first] = this.#pieces;
    if (!first) return undefined;
    const arrived = this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces);
    this.#pieces = [];
    return arrived;
  }

  /** Calls the listener of the body. An error that it throws ends this request only. */
  #tell(say: (body: BodyListener) => void): void {
    try {
      if (this.#body) say(this.#body);
    } catch (error) {
      this.#giveUp(asError(error));
    }
  }

  #giveUp(error: Error): void {
    this.#request.reject(error);
    this.#controller?.abort(error);
  }
}

export function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new DOMException('aborted', 'AbortError');
}

/** Returns the response without its status text, which nobody reads and `Response` may refuse. */
function responseOf({ status, headers }: Head, body: ReadableStream<Uint8Array> | null): Response {
  const pairs = Object.entries(headers).flatMap(([name, value = []]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  );
  return new Response(body, { status, headers: pairs });
}
