/** The body of an answer, on its way from the connection to who follows or reads it. */
import type { Dispatcher } from 'undici';
import { LINGER_MS, type BodyInterceptor } from '../../../models/http.ts';

/** Hears of a body as it arrives: what one read of the socket brought comes in one piece. */
export interface BodyListener {
  onBytes(bytes: Uint8Array): void;
  /** @param rest what arrived together with the end */
  onEnd(rest?: Uint8Array): void;
  onFailure(error: Error): void;
}

type Connection = Pick<Dispatcher.DispatchController, 'abort'>;

/** Shows the tap what arrives; what it hands on is the body of the answer. */
export class FollowedBody implements BodyListener {
  readonly #connection: Connection;
  readonly #tap: BodyInterceptor;
  readonly #respond: (body: BodyStream) => void;
  #stream: BodyStream | undefined;
  #lingering: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: Connection, tap: BodyInterceptor, respond: (body: BodyStream) => void) {
    this.#connection = connection;
    this.#tap = tap;
    this.#respond = respond;
  }

  onBytes(bytes: Uint8Array): void {
    this.#handOn(this.#tap.push(bytes));
    if (!this.#tap.isDone) return;
    this.#stream?.onEnd();
    const leave = () => this.#connection.abort(new Error('the answer is whole'));
    this.#lingering ??= setTimeout(leave, LINGER_MS).unref();
  }

  onEnd(rest?: Uint8Array): void {
    clearTimeout(this.#lingering);
    if (rest) this.#handOn(this.#tap.push(rest));
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
    this.#stream = new BodyStream(this.#connection);
    this.#stream.onBytes(bytes);
    this.#respond(this.#stream);
  }
}

/** A body as a stream. It is not held back when nobody reads: all of it is read by whoever has asked, and a connection that is held back may not be reset (the library asserts so). */
export class BodyStream implements BodyListener {
  readonly readable: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(connection: Connection) {
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

  onEnd(rest?: Uint8Array): void {
    if (rest) this.onBytes(rest);
    this.#controller?.close();
    this.#controller = undefined;
  }

  onFailure(error: Error): void {
    this.#controller?.error(error);
  }
}
