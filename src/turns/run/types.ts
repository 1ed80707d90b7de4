/** The data and dependencies of a running turn. */
import type { ContextMessage } from '../../core/context.ts';
import type { Conversation } from '../../core/conversation.ts';
import type { TurnHead } from '../../core/message.ts';
import type { Steering } from '../../core/steering.ts';
import type { TurnParameters } from '../../core/parameters.ts';
import type { LearnedRatio } from '../../core/token-correction.ts';
import type { Telemetry } from '../../core/telemetry.ts';
import type { Logger } from '../../core/logger.ts';
import type { ChatModel } from '../../models/chat/registry.ts';
import type { PriceTable } from '../../core/prices.ts';
import type { Database } from '../../store/database.ts';
import type { ClaimLimits, ClaimResult, TurnClaim } from '../../store/turns/claim.ts';
import type { EarlySearch } from './early-search.ts';
import type { TurnTrace } from './turn-trace.ts';
import type { TurnBudget } from './turn-budget.ts';
import type { RunningTurn } from './running-turn.ts';
import type { ContextSettings } from './build-prompt.ts';
import type { Retriever } from '../retriever.ts';
import type { ToolRegistry } from '../tools/tool.ts';
import type { TimeLimits } from './stall-watchdog.ts';

export interface RunSettings {
  context: ContextSettings;
  timeLimits: TimeLimits;
  /**
   * The time for which to keep trying to store the end of a turn while the database is unreachable,
   * in milliseconds.
   */
  storeGraceMs: number;
}

/** Begins the turn that follows one which was steered when no step of it was left. */
export interface Follow {
  /** The part of the conversation that the claim reads. */
  limits: ClaimLimits;
  claimOf(message: Steering, head: TurnHead): TurnClaim;
  /** Resolves when the turn runs, or has failed. @param keyId see {@link TurnJob} */
  begin(
    claim: TurnClaim,
    accepted: Extract<ClaimResult, { kind: 'accepted' }>,
    keyId: string | null,
  ): Promise<void>;
}

export interface RunDependencies {
  db: Database;
  /** The id of the instance that runs the turn. */
  instanceId: string;
  settings: RunSettings;
  retriever: Retriever;
  toolRegistry: ToolRegistry;
  follow: Follow;
  /** The prices of models. */
  prices: PriceTable;
  log: Logger;
  /** Undefined where nobody watches. */
  telemetry?: Telemetry | undefined;
  /** Takes over what is done after a turn: the platform, or the shutdown, waits for it. */
  defer: (work: Promise<unknown>) => void;
}

export interface TurnJob {
  turn: RunningTurn;
  conversation: Conversation;
  /** The public id of the key by which the turn was asked for; null where there was none. */
  keyId: string | null;
  /** Undefined where nobody watches. */
  trace: TurnTrace | undefined;
  /** The turn's reservation; undefined where nobody has limits. */
  budget: TurnBudget | undefined;
  history: ContextMessage[];
  parameters: TurnParameters | undefined;
  /** The ratio of the provider's counts to our estimates in the last turn of this path. */
  learned: LearnedRatio | undefined;
  /** True when the user has documents or other conversations that a tool could search. */
  hasSearchableContent: boolean;
  /** True for a turn that followed another, which messages may steer that came before it. */
  isSteered: boolean;
  /** The search that began before the turn was accepted; undefined where there was none. */
  early?: EarlySearch | undefined;
  /** The models, in the order in which they are tried. */
  models: readonly [ChatModel, ...ChatModel[]];
}
