/** What the routes are given: everything that depends on where and for whom the product runs. */
import type { Context } from 'hono';
import type { ActionContext, ActionDependencies } from '../../actions/context.ts';
import type { Principal } from '../../core/principal.ts';
import type { TurnStream } from '../../turns/turn-service.ts';

export interface Dependencies extends ActionDependencies {
  sockets: Sockets;
  pages: { get(path: string): Promise<Response | undefined> };
  /** Whether only this machine can reach the server: then a `Host` from elsewhere is refused. */
  loopbackOnly: boolean;
  /**
   * Answers with a turn as it comes.
   * @param headers those of the wire and the turn
   */
  sendTurn(c: AppContext, stream: TurnStream, headers: Readonly<Record<string, string>>): Response;
}

/** WebSockets, as the runtime has them. */
export interface Sockets {
  /** Turns the request into a socket of this user, served by the socket's router. */
  open(c: AppContext, userId: string): Promise<Response>;
  /** How many a user has open, over all instances. */
  count(userId: string): Promise<number>;
}

export interface AppEnv {
  Variables: {
    dependencies: Dependencies;
    requestId: string;
    principal: Principal;
    /** Headers that name the turn: a turn that has begun is named by its failure, too. */
    turnHeaders: Readonly<Record<string, string>> | undefined;
  };
}

export type AppContext = Context<AppEnv>;

/** Returns what the actions of this request are given. */
export function actionContext(c: AppContext): ActionContext {
  return {
    principal: c.get('principal'),
    dependencies: c.get('dependencies'),
    asker: c.req.raw,
  };
}
