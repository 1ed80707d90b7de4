/**
 * A Durable Object that holds all WebSockets of a user, so that their number is right for every
 * isolate.
 */
import { DurableObject } from 'cloudflare:workers';
import type { ActionDependencies } from '../../actions/context.ts';
import { tenantOf } from '../../core/principal.ts';
import type { AppContext, Sockets } from '../../routes/shared/dependencies.ts';
import type { Socket, SocketApi, SocketUser } from '../../routes/websocket/frame-sink.ts';
import { greet, leave, receive } from '../../routes/websocket/receive.ts';
import { dependenciesOf, type WorkerEnv } from './services.ts';
import { nameIn } from './turn-stub.ts';

const OPENER_HEADER = 'x-parley-opener';

/** The data that is kept with a socket, which outlives this object; 2,048 bytes at most. */
interface Attachment {
  user: SocketUser;
  api?: SocketApi | undefined;
  memory?: string;
}

export class DurableSockets extends DurableObject<WorkerEnv> {
  /**
   * The signals for clients that disconnect. They exist while this object is in memory, where an
   * answer under way keeps it.
   */
  readonly #leaving = new WeakMap<WebSocket, AbortController>();

  override fetch(request: Request): Response {
    if (request.headers.get('upgrade') !== 'websocket') return Response.json(this.#count());
    const { 0: client, 1: server } = new WebSocketPair();
    // A socket accepted this way does not keep the object in memory while it is idle.
    const headers = protocolOf(request);
    // The tag outlives this object, as the socket does.
    this.ctx.acceptWebSocket(server, Object.values(headers));
    server.serializeAttachment(decodeURIComponent(request.headers.get(OPENER_HEADER) ?? ''));
    greet(this.#socketOf(server));
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  override async webSocketMessage(ws: WebSocket, data: string | ArrayBuffer): Promise<void> {
    const socket = this.#socketOf(ws);
    await receive(socket, typeof data === 'string' ? data : '', this.#dependenciesOf(socket));
  }

  override webSocketError(ws: WebSocket): void {
    this.#leave(ws);
  }

  override webSocketClose(ws: WebSocket, code: number): void {
    this.#leave(ws);
    // 1005 and 1006 only describe a close and cannot be sent.
    ws.close(code === 1005 || code === 1006 ? 1000 : code);
  }

  #leave(ws: WebSocket): void {
    this.#leaving.get(ws)?.abort();
    const socket = this.#socketOf(ws);
    leave(socket, this.#dependenciesOf(socket));
  }

  #dependenciesOf({ user }: Socket): ActionDependencies {
    return dependenciesOf(this.env, this.ctx, tenantOf(user));
  }

  #socketOf(ws: WebSocket): Socket {
    const leaving = this.#leaving.get(ws) ?? new AbortController();
    this.#leaving.set(ws, leaving);
    const { user, api } = attachmentOf(ws);
    return {
      user,
      api,
      memory: {
        read: () => attachmentOf(ws).memory,
        write: (memory) => ws.serializeAttachment(JSON.stringify({ user, api, memory })),
      },
      gone: leaving.signal,
      protocol: this.ctx.getTags(ws)[0],
      close: () => ws.close(1011),
      send: (frame) => {
        if (ws.readyState === WebSocket.OPEN) ws.send(frame);
      },
    };
  }

  #count(): number {
    return this.ctx.getWebSockets().filter((ws) => ws.readyState === WebSocket.OPEN).length;
  }
}

/** Reads what `WorkerSockets` and the socket itself have written. */
function attachmentOf(ws: WebSocket): Attachment {
  return JSON.parse(String(ws.deserializeAttachment())) as Attachment;
}

/**
 * Returns the header that accepts the client's first subprotocol; without it browsers refuse the
 * socket.
 */
function protocolOf({ headers }: Request): Record<string, string> {
  const [first] = (headers.get('sec-websocket-protocol') ?? '').split(',');
  return first?.trim() ? { 'Sec-WebSocket-Protocol': first.trim() } : {};
}

/** The sockets, as the app uses them. */
export class WorkerSockets implements Sockets {
  readonly #sockets: DurableObjectNamespace;

  readonly #tenant: string | undefined;

  /** @param tenant whose users' sockets are meant; undefined where all users share a database */
  constructor(sockets: DurableObjectNamespace, tenant: string | undefined) {
    this.#sockets = sockets;
    this.#tenant = tenant;
  }

  /** The runtime has looked at more than it shows. */
  canOpen(): boolean {
    return true;
  }

  open(c: AppContext, user: SocketUser, api?: SocketApi): Promise<Response> {
    const headers = new Headers(c.req.raw.headers);
    const attachment: Attachment = { user, api };
    headers.set(OPENER_HEADER, encodeURIComponent(JSON.stringify(attachment)));
    return this.#objectOf(user.userId).fetch(new Request(c.req.raw, { headers }));
  }

  async count(userId: string): Promise<number> {
    const response = await this.#objectOf(userId).fetch('https://sockets.invalid/');
    return response.json<number>();
  }

  #objectOf(userId: string): DurableObjectStub {
    return this.#sockets.get(this.#sockets.idFromName(nameIn(this.#tenant, userId)));
  }
}
