/** The context of every action: the caller, and the services of this deployment. */
import type { Config } from '../config.ts';
import type { Hash } from '../core/file.ts';
import type { Limits } from '../core/limits.ts';
import type { Principal } from '../core/principal.ts';
import type { Telemetry } from '../core/telemetry.ts';
import type { Logger } from '../core/logger.ts';
import type { OpenUrl } from '../documents/fetch-file.ts';
import type { FileExaminer } from '../documents/examine-file.ts';
import type { Ingester } from '../documents/ingester.ts';
import type { Registry } from '../models/chat/registry.ts';
import type { WorkTrace } from '../models/work-trace.ts';
import type { EmbeddingRegistry } from '../models/embeddings/registry.ts';
import type { PriceTable } from '../core/prices.ts';
import type { Searcher } from '../search/retrieve.ts';
import type { Database } from '../store/database.ts';
import type { UserBudgetAsk } from '../store/limits/budget.ts';
import type { TurnService } from '../turns/turn-service.ts';

/** The services of a host that files need. */
export interface FileServices extends FileExaminer {
  /** Asks for an address that a user has named. */
  openUrl: OpenUrl;
  /** Begins a SHA-256 of bytes that arrive piece by piece, which the web's own API cannot do. */
  newHash(): Hash;
}

/** The services that actions use. */
export interface ActionDependencies {
  config: Config;
  db: Database;
  registry: Registry;
  embeddings: EmbeddingRegistry;
  prices: PriceTable;
  /** The limits of users who have none of their own; undefined where nobody has limits. */
  limits: Limits | undefined;
  searcher: Searcher;
  ingester: Ingester;
  files: FileServices;
  turns: TurnService;
  log: Logger;
  /** Undefined where nobody watches. */
  telemetry?: Telemetry | undefined;
  /** Tells of what is done for the request; undefined where nobody watches. */
  trace?: WorkTrace | undefined;
  /**
   * Keeps work alive that outlives its request: the platform or the shutdown waits for it.
   * @param work handles its own errors
   */
  defer(work: Promise<unknown>): void;
}

export interface ActionContext {
  principal: Principal;
  dependencies: ActionDependencies;
  /** The client, whose signal is aborted when it disconnects. */
  asker: { readonly signal: AbortSignal };
}

/** Returns the limits by which a user may store files; undefined where nobody has limits. */
export function roomForFiles(
  { config, limits }: Pick<ActionDependencies, 'config' | 'limits'>,
  userId: string,
): UserBudgetAsk | undefined {
  const leaseMs = config.TURN_LEASE_MS;
  return limits && { defaults: limits, leaseMs, userId, keyId: null, stored: true };
}
