/** The dependencies of the routes: everything that differs between runtimes and deployments. */
import type { Context } from 'hono';
import type { ActionContext, ActionDependencies } from '../../actions/context.ts';
import type { Identity } from '../../auth/identity.ts';
import type { IdentifiedUser, Principal } from '../../core/principal.ts';
import type { Span } from '../../core/telemetry.ts';
import type * as Reading from '../reading/render-page.ts';
import type { SocketApi, SocketUser } from '../websocket/frame-sink.ts';
import type { ToolList } from '../../turns/tools/tool.ts';
import type { TurnAddress, TurnStream } from '../../turns/turn-service.ts';

export interface Dependencies extends ActionDependencies {
  /** Undefined when everybody may call (`AUTH=none`). */
  identity: Identity | undefined;
  /** The databases of tenants; undefined where all users share one. */
  tenants?: Tenants | undefined;
  sockets: Sockets;
  pages: { get(path: string, accepted?: string): Promise<Response | undefined> };
  /** Loads what renders conversations as pages without scripts, which few ask for. */
  loadReading(): Promise<Pick<typeof Reading, 'renderPage'>>;
  /**
   * True when only this machine can reach the server; requests with another `Host` are then
   * refused.
   */
  loopbackOnly: boolean;
  /** Answers a probe: false when the server is stopping and should be given no more work. */
  isReady(): boolean;
  /** Lists the tools that run here. */
  listTools(): Promise<ToolList>;
  /** Returns the measures as Prometheus reads them; undefined where they are not kept for it. */
  readMetrics?: (() => Promise<string>) | undefined;
  /**
   * Answers with a turn as a stream.
   * @param headers the headers of the wire and of the turn
   */
  sendTurn(c: AppContext, stream: TurnStream, headers: Readonly<Record<string, string>>): Response;
  /**
   * Answers with a turn that is over.
   * @param json what is told of it
   * @param headers of the turn, and of its form
   */
  sendWhole(c: AppContext, json: string, headers: Readonly<Record<string, string>>): Response;
}

/** The services that the requests of a tenant have of their own. */
export type TenantServices = Pick<
  Dependencies,
  'db' | 'turns' | 'searcher' | 'ingester' | 'files' | 'sockets'
>;

/** The databases of tenants. */
export interface Tenants {
  /**
   * Returns the services over the database of a tenant, which is opened when it is first asked for.
   * @throws ParleyError `database_unavailable`, also where there is no such database
   */
  open(tenant: string): Promise<TenantServices>;
  /** Returns true when the database of a tenant was opened here before. */
  knows(tenant: string): boolean;
  /** Makes sure that databases can be reached. @throws ParleyError `database_unavailable` */
  ping(): Promise<void>;
}

/** The WebSockets of a runtime. */
export interface Sockets {
  /** Returns true when the request is a handshake, as far as the host can tell. */
  canOpen(c: AppContext): boolean;
  /** Upgrades the request to a socket of this user, which our own or another API serves. */
  open(c: AppContext, user: SocketUser, api?: SocketApi): Promise<Response>;
  /** Returns the number of sockets that a user has open, over all instances. */
  count(userId: string): Promise<number>;
}

export interface AppEnv {
  Variables: {
    dependencies: Dependencies;
    requestId: string;
    /** The time of the request, by this process's monotonic clock. */
    begunAt: number;
    /** The pattern of the path of its route; undefined before the route is reached. */
    route: string | undefined;
    /** The span of the request; undefined where nobody watches. */
    span: Span | undefined;
    /** The times that its parts took, in milliseconds by their names. */
    timings: Readonly<Record<string, number | null>> | undefined;
    /** The user whom the credential has established; undefined without identity. */
    caller: IdentifiedUser | undefined;
    /** The user that the request has named. */
    namedUser: string | undefined;
    /** The caller that the request acts for. */
    principal: Principal;
    /** True when the host has sent the whole head itself: no header can be added any more. */
    isSent: true | undefined;
    /** The turn that is answered with. */
    turn: TurnAddress | undefined;
    /** The headers that name the turn. The failure of a turn that has begun carries them too. */
    turnHeaders: Readonly<Record<string, string>> | undefined;
  };
}

export type AppContext = Context<AppEnv>;

/** Returns the context of this request for actions. */
export function actionContext(c: AppContext): ActionContext {
  return {
    principal: c.get('principal'),
    dependencies: c.get('dependencies'),
    asker: c.req.raw,
  };
}
