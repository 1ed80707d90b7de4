/** The body of a response, between its connection and its reader. */
import type { Dispatcher } from 'undici';
import { LINGER_MS, type BodyInterceptor } from '../../../models/http.ts';

/** Receives a body as it arrives. The bytes of one read of the socket come in one piece. */
export interface BodyListener {
  onBytes(bytes: Uint8Array): void;
  /**
   * Receives the end.
   * @param rest the bytes that arrived together with the end
   */
  onEnd(rest?: Uint8Array): void;
  onFailure(error: Error): void;
}

type Controller = Pick<Dispatcher.DispatchController, 'abort'>;

/** Passes arriving bytes to an interceptor, which decides what becomes the body of the response. */
export class FollowedBody implements BodyListener {
  readonly #controller: Controller;
  readonly #interceptor: BodyInterceptor;
  readonly #respond: (body: BodyStream) => void;
  #stream: BodyStream | undefined;
  #lingering: ReturnType<typeof setTimeout> | undefined;

  constructor(
    controller: Controller,
    interceptor: BodyInterceptor,
    respond: (body: BodyStream) => void,
  ) {
    this.#controller = controller;
    this.#interceptor = interceptor;
    this.#respond = respond;
  }

  onBytes(bytes: Uint8Array): void {
    this.#handOn(this.#interceptor.push(bytes));
    if (!this.#interceptor.isDone) return;
    this.#stream?.onEnd();
    const leave = () => this.#controller.abort(new Error('the answer is whole'));
    this.#lingering ??= setTimeout(leave, LINGER_MS).unref();
  }

  onEnd(rest?: Uint8Array): void {
    clearTimeout(this.#lingering);
    if (rest) this.#handOn(this.#interceptor.push(rest));
    if (!this.#stream) this.#handOn(this.#interceptor.end());
    this.#stream?.onEnd();
  }

  onFailure(error: Error): void {
    clearTimeout(this.#lingering);
    if (!this.#stream) this.#handOn(this.#interceptor.fail(error));
    this.#stream?.onFailure(error);
  }

  #handOn(bytes: Uint8Array | undefined): void {
    if (!bytes) return;
    if (this.#stream) return this.#stream.onBytes(bytes);
    this.#stream = new BodyStream(this.#controller);
    this.#stream.onBytes(bytes);
    this.#respond(this.#stream);
  }
}

/**
 * A body as a stream. It is never paused: callers read all of it, and the library does not allow a
 * paused connection to be reset.
 */
export class BodyStream implements BodyListener {
  readonly readable: ReadableStream<Uint8Array>;
  #output: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(controller: Controller) {
    this.readable = new ReadableStream<Uint8Array>({
      start: (output) => void (this.#output = output),
      cancel: (reason) => {
        this.#output = undefined;
        controller.abort(new Error('nobody reads on', { cause: reason }));
      },
    });
  }

  onBytes(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#output?.enqueue(bytes);
  }

  onEnd(rest?: Uint8Array): void {
    if (rest) this.onBytes(rest);
    this.#output?.close();
    this.#output = undefined;
  }

  onFailure(error: Error): void {
    this.#output?.error(error);
  }
}
