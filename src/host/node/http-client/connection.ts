/** One connection of `undici`, with the socket events that the library ignores. */
import type { Socket } from 'node:net';
import { Client, type buildConnector, type Dispatcher } from 'undici';

type Connect = buildConnector.connector;
type Controller = Dispatcher.DispatchController;

/**
 * A client of the library, which has one connection at a time and opens another when that is
 * closed.
 */
export class WatchedClient extends Client {
  readonly #connection: Connection;

  /**
   * Makes a client.
   * @param connect the library's own function to open a connection
   */
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

/** The state of a client's latest connection. */
class Connection {
  #socket: Socket | undefined;
  #error: Error | undefined;

  /** Wraps `connect`, and listens to each connection before the library does. */
  watch(connect: Connect): Connect {
    return (options, callback) =>
      connect(options, (...opened) => {
        const [, socket] = opened;
        this.#socket = socket ?? undefined;
        this.#error = undefined;
        socket?.on('error', (error) => {
          if (this.#socket === socket) this.#error = error;
          // TLS reports data that it cannot read but leaves the connection open, and the library
          // would wait for its end.
          socket.destroy();
        });
        callback(...opened);
      });
  }

  /** Returns the error that broke the connection, if there was one. */
  get error(): Error | undefined {
    return this.#error;
  }

  /**
   * Closes the connection unless all of the request has been sent: the next request would wait
   * behind data that the service does not read.
   */
  closeUnlessSent(): void {
    if (this.#socket && this.#socket.writableLength > 0) this.#socket.destroy();
  }
}

/**
 * Checks the connection when a response ends. The library takes a reset for the end of a body that
 * lasts until the connection closes; here that response has failed.
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
