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

/** Passes a body to an interceptor, which is then its only reader. */
export class FollowedBody implements BodyListener {
  readonly #controller: Controller;
  readonly #interceptor: BodyInterceptor;
  #lingering: ReturnType<typeof setTimeout> | undefined;

  constructor(controller: Controller, interceptor: BodyInterceptor) {
    this.#controller = controller;
    this.#interceptor = interceptor;
  }

  onBytes(bytes: Uint8Array): void {
    this.#interceptor.push(bytes);
    if (!this.#interceptor.isDone) return;
    const leave = () => this.#controller.abort(new Error('the answer is whole'));
    this.#lingering ??= setTimeout(leave, LINGER_MS).unref();
  }

  onEnd(rest?: Uint8Array): void {
    clearTimeout(this.#lingering);
    if (rest) this.#interceptor.push(rest);
    this.#interceptor.end();
  }

  onFailure(error: Error): void {
    clearTimeout(this.#lingering);
    this.#interceptor.fail(error);
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
