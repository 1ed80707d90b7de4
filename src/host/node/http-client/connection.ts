/** One connection of `undici`, with what happens to it that the library passes over. */
import type { Socket } from 'node:net';
import { Client, type buildConnector, type Dispatcher } from 'undici';

type Connect = buildConnector.connector;
type Controller = Dispatcher.DispatchController;

/** A client of the library has one connection at a time, and opens another when that is closed. */
export class WatchedClient extends Client {
  readonly #connection: Connection;

  /** @param connect the library's own way to open a connection */
  constructor(origin: string | URL, options: Client.Options & { connect: Connect }) {
    const connection = new Connection();
    super(origin, { ...options, connect: connection.watch(options.connect) });
    this.#connection = connection;
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    return super.dispatch(options, new CheckedEnd(handler, this.#connection));
  }
}

/** What is known of a client's latest connection. */
class Connection {
  #socket: Socket | undefined;
  #error: Error | undefined;

  /** Opens connections by `connect`, and listens to each before the library does. */
  watch(connect: Connect): Connect {
    return (options, callback) =>
      connect(options, (...opened) => {
        const [, socket] = opened;
        this.#socket = socket ?? undefined;
        this.#error = undefined;
        socket?.on('error', (error) => {
          if (this.#socket === socket) this.#error = error;
          // TLS reports what it cannot read, and leaves open a connection whose end the library
          // would wait for.
          socket.destroy();
        });
        callback(...opened);
      });
  }

  /** Returns what broke the connection, if anything did. */
  get error(): Error | undefined {
    return this.#error;
  }

  /**
   * Closes the connection if not all of the request has been sent: the next request would wait
   * behind what the service does not read.
   */
  closeUnlessSent(): void {
    if (this.#socket && this.#socket.writableLength > 0) this.#socket.destroy();
  }
}

/**
 * Looks at the connection when an answer ends. The library takes a reset for the end of a body
 * that lasts until the connection closes; here the answer has failed.
 */
class CheckedEnd implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #connection: Connection;

  constructor(handler: Dispatcher.DispatchHandler, connection: Connection) {
    this.#handler = handler;
    this.#connection = connection;
  }

  onRequestStart(controller: Controller, context: unknown): void {
    this.#handler.onRequestStart?.(controller, context);
  }

  onResponseStart(
    ...head: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>
  ): void {
    this.#handler.onResponseStart?.(...head);
  }

  onResponseData(controller: Controller, piece: Buffer): void {
    this.#handler.onResponseData?.(controller, piece);
  }

  onResponseEnd(
    ...end: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseEnd']>>
  ): void {
    const [controller] = end;
    const { error } = this.#connection;
    this.#connection.closeUnlessSent();
    if (error) this.#handler.onResponseError?.(controller, error);
    else this.#handler.onResponseEnd?.(...end);
  }

  onResponseError(controller: Controller, error: Error): void {
    this.#handler.onResponseError?.(controller, error);
  }
}
