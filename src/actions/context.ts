/** What every action is given: who asks, and the product as it runs here. */
import type { Config } from '../config.ts';
import type { Principal } from '../core/principal.ts';
import type { Report } from '../core/report.ts';
import type { Prepare } from '../documents/prepare.ts';
import type { Registry } from '../models/chat/registry.ts';
import type { EmbeddingRegistry } from '../models/embeddings/registry.ts';
import type { Database } from '../store/database.ts';
import type { TurnService } from '../turns/turn-service.ts';

/** The parts of the product that an action may use. */
export interface ActionDependencies {
  config: Config;
  db: Database;
  registry: Registry;
  embeddings: EmbeddingRegistry;
  /** Gets the text out of a document and splits it. */
  prepare: Prepare;
  turns: TurnService;
  report: Report;
  /**
   * Takes over work that outlives the request which began it: the platform, or the shutdown, waits for it.
   * @param work handles its own errors
   */
  defer(work: Promise<unknown>): void;
}

export interface ActionContext {
  principal: Principal;
  dependencies: ActionDependencies;
  /** Tells when whoever asks has gone. */
  asker: { readonly signal: AbortSignal };
}
