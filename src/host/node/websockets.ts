/**
 * WebSockets on Node. Open sockets are counted in the database, since several processes may share
 * it.
 */
import { upgradeWebSocket, type HttpBindings } from '@hono/node-server';
import type { WebSocket } from 'ws';
import type { Logger } from '../../core/logger.ts';
import { newId } from '../../core/ids.ts';
import type { ActionDependencies } from '../../actions/context.ts';
import type {
  Socket,
  SocketApi,
  SocketMemory,
  SocketUser,
} from '../../routes/websocket/frame-sink.ts';
import { greet, leave, receive } from '../../routes/websocket/receive.ts';
import type { AppContext, Sockets } from '../../routes/shared/dependencies.ts';
import {
  addConnection,
  countConnections,
  removeConnection,
  removeInstance,
  renewConnections,
} from '../../store/connections.ts';
import type { Database } from '../../store/database.ts';

/**
 * The interval at which an instance renews its sockets, in milliseconds, and the silence after
 * which they count as closed.
 */
const RENEW_EVERY_MS = 10_000;
const CONNECTION_LEASE_MS = 30_000;
/** The time that ended turns get at a shutdown to send their end on sockets, in milliseconds. */
const LAST_WORDS_MS = 1_000;

export class NodeSockets implements Sockets {
  readonly #db: Database;
  readonly #dependencies: ActionDependencies;
  readonly #log: Logger;
  readonly #instanceId = newId();
  readonly #open = new Map<string, WatchedSocket>();
  /** The frames of clients that are still being answered. */
  readonly #answering = new Set<Promise<void>>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(dependencies: ActionDependencies) {
    this.#log = dependencies.log;
    this.#db = dependencies.db;
    this.#dependencies = dependencies;
    this.#timer = setInterval(() => this.#renew(), RENEW_EVERY_MS);
    this.#timer.unref();
  }

  /** Without `Connection: upgrade` it is an ordinary request, and has a response to write to. */
  canOpen(c: AppContext): boolean {
    // The adapter's bindings, which the app knows nothing of.
    const { outgoing } = c.env as Partial<HttpBindings>;
    return outgoing === undefined;
  }

  async open(c: AppContext, user: SocketUser, api?: SocketApi): Promise<Response> {
    const id = newId();
    const gone = new AbortController();
    const memory = memoryOf();
    let welcomed: Promise<Socket> | undefined;
    const upgrade = upgradeWebSocket(() => ({
      onOpen: (_, ws) => {
        // The adapter's sockets are those of `ws`.
        const raw = ws.raw as WebSocket;
        const socket = {
          user,
          gone: gone.signal,
          protocol: raw.protocol,
          api,
          memory,
          close: () => raw.close(1011),
          get bufferedAmount() {
            return raw.bufferedAmount;
          },
          send: (frame: string) => ws.readyState === 1 && ws.send(frame),
        };
        this.#open.set(id, new WatchedSocket(raw));
        welcomed = this.#welcome(id, socket);
      },
      onMessage: ({ data }) => {
        if (welcomed) this.#answer(welcomed, typeof data === 'string' ? data : '');
      },
      onClose: () => this.#gone(id, gone, welcomed),
      onError: () => this.#gone(id, gone, welcomed),
    }));
    const response = await upgrade(c, () => Promise.resolve());
    return response ?? c.body(null, 426);
  }

  /** Counts a socket and greets it; its frames are answered only after that. */
  async #welcome(id: string, socket: Socket): Promise<Socket> {
    try {
      await addConnection(this.#db, {
        id,
        userId: socket.user.userId,
        instanceId: this.#instanceId,
      });
      if (socket.gone.aborted) await removeConnection(this.#db, id);
    } catch (error) {
      this.#log.error('the presence of sockets could not be stored', { error });
    }
    greet(socket);
    return socket;
  }

  /** True while a client is connected. */
  get areOpen(): boolean {
    return this.#open.size > 0;
  }

  count(userId: string): Promise<number> {
    return countConnections(this.#db, userId, CONNECTION_LEASE_MS);
  }

  /** Waits until the ends of turns are sent, then closes every socket. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.race([
      Promise.all(this.#answering),
      new Promise((late) => setTimeout(late, LAST_WORDS_MS)),
    ]);
    for (const socket of this.#open.values()) socket.close();
    await removeInstance(this.#db, this.#instanceId).catch((error: unknown) =>
      this.#log.error('the presence of sockets could not be stored', { error }),
    );
  }

  #answer(welcomed: Promise<Socket>, data: string): void {
    const received = welcomed.then((socket) => receive(socket, data, this.#dependencies));
    const answered = received.finally(() => this.#answering.delete(answered));
    this.#answering.add(answered);
  }

  #renew(): void {
    for (const socket of this.#open.values()) socket.watch();
    if (this.#open.size > 0)
      void renewConnections(this.#db, this.#instanceId, CONNECTION_LEASE_MS).catch(
        (error: unknown) =>
          this.#log.error('the presence of sockets could not be stored', { error }),
      );
  }

  #gone(id: string, gone: AbortController, welcomed: Promise<Socket> | undefined): void {
    gone.abort();
    void welcomed?.then((socket) => leave(socket, this.#dependencies));
    this.#open.delete(id);
    void removeConnection(this.#db, id).catch((error: unknown) =>
      this.#log.error('the presence of sockets could not be stored', { error }),
    );
  }
}

/**
 * A socket that is pinged from time to time, since a half-open connection says nothing by itself.
 */
class WatchedSocket {
  readonly #socket: WebSocket;
  #hasAnswered = true;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('pong', () => (this.#hasAnswered = true));
  }

  watch(): void {
    if (!this.#hasAnswered) return this.#socket.terminate();
    this.#hasAnswered = false;
    this.#socket.ping();
  }

  close(): void {
    this.#socket.close(1001, 'the server is shutting down');
  }
}

/** Makes the memory of a socket, which never sleeps here. */
function memoryOf(): SocketMemory {
  let text: string | undefined;
  return {
    read: () => text,
    write(news) {
      text = news;
    },
  };
}
