/** A request and its answer, as the dispatcher of `undici` tells of them, on the way to whoever asked. */
import type { buildConnector, Dispatcher } from 'undici';
import { isEventStream, LINGER_MS, type BodyTap } from '../models/network.ts';

export interface Asker {
  /** To be called when there is an answer for a reader, or when a tap hands on what it has followed: never, if it never does. */
  resolve: (response: Response) => void;
  reject: (error: unknown) => void;
  signal: AbortSignal | undefined;
  /** For the body of a good answer that is a stream of events. */
  tap: BodyTap | undefined;
}

type Controller = Dispatcher.DispatchController;
type Head = { status: number; headers: Record<string, string | string[] | undefined> };

/** Hears of a body as it arrives: what one read of the socket brought comes in one piece. */
interface BodyListener {
  onBytes(bytes: Uint8Array): void;
  onEnd(): void;
  onFailure(error: Error): void;
}

/** What befalls a connection while its listeners hear of it. */
let resetError: Error | undefined;

/**
 * Makes connections whose resets are failures: for the library a reset ends a body that lasts until the connection closes, as if all were well.
 * @param make the library's own way
 */
export function noticingResets(make: buildConnector.connector): buildConnector.connector {
  const notice = (error: Error) => {
    resetError = error;
    // All listeners have heard of it by then.
    queueMicrotask(() => (resetError = undefined));
  };
  return (options, callback) =>
    make(options, (...made) => {
      // The library listens from here on.
      made[1]?.on('error', notice);
      callback(...made);
    });
}

/** The words of its callers' libraries for a network that failed are those of `fetch`. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #asker: Asker;
  #controller: Controller | undefined;
  /** From the head of the answer to its end. */
  #body: BodyListener | undefined;
  #pieces: Buffer[] = [];

  constructor(asker: Asker) {
    this.#asker = asker;
    asker.signal?.addEventListener('abort', this.#abort, { once: true });
  }

  readonly #abort = () => {
    const { signal, reject } = this.#asker;
    if (!signal) return;
    // Nobody waits for a connection that is still being made.
    reject(abortError(signal));
    this.#controller?.abort(abortError(signal));
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
    const isFollowed = tap && isEventStream(status, typeof type === 'string' ? type : undefined);
    this.#body = isFollowed
      ? new FollowedBody(controller, tap, (body) => resolve(responseOf(head, body)))
      : this.#streamed(controller, head);
  }

  #streamed(controller: Controller, head: Head): BodyListener {
    const body = new BodyStream(controller);
    this.#asker.resolve(responseOf(head, body.readable));
    return body;
  }

  onResponseData(_: Controller, piece: Buffer): void {
    // All pieces of one read are parsed before any microtask runs.
    if (this.#pieces.push(piece) === 1) queueMicrotask(() => this.#flush());
  }

  onResponseEnd(): void {
    const body = this.#over();
    if (resetError) body?.onFailure(new TypeError('terminated', { cause: resetError }));
    else body?.onEnd();
  }

  onResponseError(_: Controller, error: Error): void {
    const { signal, reject } = this.#asker;
    const body = this.#over();
    if (body) body.onFailure(new TypeError('terminated', { cause: error }));
    else
      reject(
        signal?.aborted ? abortError(signal) : new TypeError('fetch failed', { cause: error }),
      );
  }

  #flush(): void {
    const [first] = this.#pieces;
    if (!first) return;
    const arrived = this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#body?.onBytes(arrived);
  }

  /** @returns who is to hear how the body ended */
  #over(): BodyListener | undefined {
    this.#asker.signal?.removeEventListener('abort', this.#abort);
    this.#flush();
    const body = this.#body;
    this.#body = undefined;
    return body;
  }
}

export function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new DOMException('aborted', 'AbortError');
}

/** Statuses that have no body. */
const BODILESS = new Set([204, 205, 304]);

/** The words beside the status are left out: nobody reads them, and odd ones would be refused. */
function responseOf({ status, headers }: Head, body: ReadableStream<Uint8Array>): Response {
  const pairs = Object.entries(headers).flatMap(([name, value = []]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  );
  return new Response(BODILESS.has(status) ? null : body, { status, headers: pairs });
}

/** Shows the tap what arrives; what it hands on is the body of the answer. */
class FollowedBody implements BodyListener {
  readonly #controller: Controller;
  readonly #tap: BodyTap;
  readonly #respond: (body: ReadableStream<Uint8Array>) => void;
  #stream: BodyStream | undefined;
  #lingering: ReturnType<typeof setTimeout> | undefined;

  constructor(
    controller: Controller,
    tap: BodyTap,
    respond: (body: ReadableStream<Uint8Array>) => void,
  ) {
    this.#controller = controller;
    this.#tap = tap;
    this.#respond = respond;
  }

  onBytes(bytes: Uint8Array): void {
    this.#handOn(this.#tap.push(bytes));
    if (!this.#tap.isDone) return;
    this.#stream?.onEnd();
    const leave = () => this.#controller.abort(new Error('the answer is whole'));
    this.#lingering ??= setTimeout(leave, LINGER_MS).unref();
  }

  onEnd(): void {
    clearTimeout(this.#lingering);
    if (!this.#stream) this.#handOn(this.#tap.end());
    this.#stream?.onEnd();
  }

  onFailure(error: Error): void {
    clearTimeout(this.#lingering);
    if (!this.#stream) this.#handOn(this.#tap.fail());
    this.#stream?.onFailure(error);
  }

  #handOn(bytes: Uint8Array | undefined): void {
    if (!bytes) return;
    if (this.#stream) return this.#stream.onBytes(bytes);
    this.#stream = new BodyStream(this.#controller);
    this.#stream.onBytes(bytes);
    this.#respond(this.#stream.readable);
  }
}

/** A body as a stream. It is not held back when nobody reads: all of it is read by whoever has asked, and a connection that is held back may not be reset (the library asserts so). */
class BodyStream implements BodyListener {
  readonly readable: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(connection: Controller) {
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      cancel: (reason) => {
        this.#controller = undefined;
        connection.abort(new Error('nobody reads on', { cause: reason }));
      },
    });
  }

  onBytes(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#controller?.enqueue(bytes);
  }

  onEnd(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  onFailure(error: Error): void {
    this.#controller?.error(error);
  }
}
