/** A request and its answer, as the dispatcher of `undici` tells of them, on the way to whoever asked. */
import type { Dispatcher } from 'undici';
import { isEventStream, type BodyInterceptor } from '../../../models/http.ts';
import { BodyStream, FollowedBody, type BodyListener } from './body.ts';
import { brokenBy, giveUpUnlessSent } from './sockets.ts';

export interface Asker {
  /** To be called when there is an answer for a reader, or when a tap hands on what it has followed: never, if it never does. */
  resolve: (response: Response) => void;
  reject: (error: unknown) => void;
  signal: AbortSignal | undefined;
  /** For the body of a good answer that is a stream of events. */
  tap: BodyInterceptor | undefined;
}

type Controller = Dispatcher.DispatchController;
type Head = { status: number; headers: Record<string, string | string[] | undefined> };

/** Statuses that have no body. */
const BODILESS = new Set([204, 205, 304]);

/** The words of its callers' libraries for a network that failed are those of `fetch`. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #asker: Asker;
  #controller: Controller | undefined;
  /** From the head of the answer to its end; none where nobody wants to hear. */
  #body: BodyListener | undefined;
  #pieces: Buffer[] = [];

  constructor(asker: Asker) {
    this.#asker = asker;
    asker.signal?.addEventListener('abort', this.#abort, { once: true });
  }

  readonly #abort = () => {
    const { signal } = this.#asker;
    // Nobody waits for a connection that is still being made.
    if (signal) this.#giveUp(abortError(signal));
  };

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#asker.signal?.aborted) this.#abort();
  }

  /** What it throws, over a status that is none, fails the request. */
  onResponseStart(controller: Controller, status: number, headers: Head['headers']): void {
    // Such as hints that come before the answer.
    if (status < 200) return;
    const { tap, resolve } = this.#asker;
    const head = { status, headers };
    const type = headers['content-type'];
    if (tap && isEventStream(status, typeof type === 'string' ? type : undefined)) {
      const respond = (body: BodyStream) => resolve(responseOf(head, body.readable));
      this.#body = new FollowedBody(controller, tap, respond);
    } else if (BODILESS.has(status)) {
      resolve(responseOf(head, null));
    } else {
      const body = new BodyStream(controller);
      resolve(responseOf(head, body.readable));
      this.#body = body;
    }
  }

  onResponseData(_: Controller, piece: Buffer): void {
    // All pieces of one read are parsed before any microtask runs.
    if (this.#pieces.push(piece) === 1) queueMicrotask(() => this.#flush());
  }

  onResponseEnd(): void {
    const cause = brokenBy();
    giveUpUnlessSent();
    this.#leave();
    if (cause) return this.#breakOff(cause);
    const rest = this.#takeArrived();
    this.#tell((body) => body.onEnd(rest));
  }

  onResponseError(_: Controller, cause: Error): void {
    const { signal, reject } = this.#asker;
    this.#leave();
    this.#breakOff(cause);
    // In vain where there has been an answer.
    reject(signal?.aborted ? abortError(signal) : new TypeError('fetch failed', { cause }));
  }

  #leave(): void {
    this.#asker.signal?.removeEventListener('abort', this.#abort);
  }

  #breakOff(cause: Error): void {
    this.#flush();
    this.#tell((body) => body.onFailure(new TypeError('terminated', { cause })));
  }

  #flush(): void {
    const arrived = this.#takeArrived();
    if (arrived) this.#tell((body) => body.onBytes(arrived));
  }

  /** What has arrived and nobody has been told of. */
  #takeArrived(): Buffer | undefined {
    const [first] = this.#pieces;
    if (!first) return undefined;
    const arrived = this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces);
    this.#pieces = [];
    return arrived;
  }

  /** What is thrown by whoever hears of the body ends this request, and nothing else. */
  #tell(say: (body: BodyListener) => void): void {
    try {
      if (this.#body) say(this.#body);
    } catch (error) {
      this.#giveUp(
        error instanceof Error ? error : new Error('a listener failed', { cause: error }),
      );
    }
  }

  #giveUp(error: Error): void {
    this.#asker.reject(error);
    this.#controller?.abort(error);
  }
}

export function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new DOMException('aborted', 'AbortError');
}

/** The words beside the status are left out: nobody reads them, and odd ones would be refused. */
function responseOf({ status, headers }: Head, body: ReadableStream<Uint8Array> | null): Response {
  const pairs = Object.entries(headers).flatMap(([name, value = []]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  );
  return new Response(body, { status, headers: pairs });
}
