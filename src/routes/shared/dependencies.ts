/** What the doors are given: everything that depends on where and for whom the product runs. */
import type { Context } from 'hono';
import type { Config } from '../../config.ts';
import type { EmbeddingRegistry } from '../../models/embeddings/registry.ts';
import type { Registry } from '../../models/chat/registry.ts';
import type { Prepare } from '../../documents/prepare.ts';
import type { Database } from '../../store/database.ts';
import type { Report } from '../../core/report.ts';
import type { TurnService } from '../../turns/turn-service.ts';

export interface Dependencies {
  config: Config;
  db: Database;
  registry: Registry;
  embeddings: EmbeddingRegistry;
  /** Gets the text out of a document and splits it. */
  prepare: Prepare;
  rooms: TurnService;
  sockets: Sockets;
  pages: { get(path: string): Promise<Response | undefined> };
  report: Report;
  /** Whether only this machine can reach the server: then a `Host` from elsewhere is refused. */
  loopbackOnly: boolean;
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
    services: Dependencies;
    requestId: string;
    /** Whose request it is; undefined where the request does not say. */
    caller: string | undefined;
    /** Headers for whatever is answered from here on: a turn that has begun is named by its failure, too. */
    turnHead: Readonly<Record<string, string>> | undefined;
  };
}

export type AppContext = Context<AppEnv>;
