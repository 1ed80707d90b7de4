/** WebSockets on Node. Who is online is kept in the database, since several processes may share it. */
import { upgradeWebSocket } from '@hono/node-server';
import type { Report } from '../chat/report.ts';
import { newId } from '../chat/ids.ts';
import { greet, receive, type Socket } from '../doors/websocket.ts';
import type { AppContext, Sockets } from '../doors/services.ts';
import {
  addConnection,
  countConnections,
  removeConnection,
  removeInstance,
  renewConnections,
} from '../store/connections.ts';
import type { Database } from '../store/database.ts';
import type { Rooms } from '../turns/rooms.ts';

/** How often an instance says that its sockets are still there, and after which silence they count as gone. */
const RENEW_EVERY_MS = 10_000;
const CONNECTION_LEASE_MS = 30_000;

export class NodeSockets implements Sockets {
  readonly #db: Database;
  readonly #rooms: Rooms;
  readonly #report: Report;
  readonly #instanceId = newId();
  readonly #open = new Map<string, { close(): void }>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor({ db, rooms, report }: { db: Database; rooms: Rooms; report: Report }) {
    this.#report = report;
    this.#db = db;
    this.#rooms = rooms;
    this.#timer = setInterval(() => this.#renew(), RENEW_EVERY_MS);
    this.#timer.unref();
  }

  async open(c: AppContext, userId: string): Promise<Response> {
    const id = newId();
    await addConnection(this.#db, { id, userId, instanceId: this.#instanceId });
    let socket: Socket | undefined;
    const upgrade = upgradeWebSocket(() => ({
      onOpen: (_, ws) => {
        socket = { userId, send: (frame) => ws.readyState === 1 && ws.send(frame) };
        this.#open.set(id, { close: () => ws.close(1001, 'the server is shutting down') });
        greet(socket);
      },
      onMessage: ({ data }) => {
        if (socket)
          void receive(socket, typeof data === 'string' ? data : '', {
            rooms: this.#rooms,
            report: this.#report,
          });
      },
      onClose: () => this.#gone(id),
      onError: () => this.#gone(id),
    }));
    const response = await upgrade(c, () => Promise.resolve());
    if (response) return response;
    this.#gone(id);
    return c.body(null, 426);
  }

  count(userId: string): Promise<number> {
    return countConnections(this.#db, userId, CONNECTION_LEASE_MS);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const socket of this.#open.values()) socket.close();
    await removeInstance(this.#db, this.#instanceId).catch((error: unknown) =>
      this.#report('the presence of sockets could not be stored', error),
    );
  }

  #renew(): void {
    if (this.#open.size > 0)
      void renewConnections(this.#db, this.#instanceId, CONNECTION_LEASE_MS).catch(
        (error: unknown) => this.#report('the presence of sockets could not be stored', error),
      );
  }

  #gone(id: string): void {
    this.#open.delete(id);
    void removeConnection(this.#db, id).catch((error: unknown) =>
      this.#report('the presence of sockets could not be stored', error),
    );
  }
}
