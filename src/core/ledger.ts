/** The ledger: what calls of models have used, one entry for each call. */

/** The purposes of calls of models. */
export const CALL_KINDS = ['answer', 'rewrite', 'embedding'] as const;
export type CallKind = (typeof CALL_KINDS)[number];

/** The tokens of one call. */
export interface TokenCounts {
  inputTokens: number;
  outputTokens: number;
  /** The input tokens that the service read from its cache; they are among `inputTokens`. */
  cachedTokens: number;
  /** The output tokens that are thoughts; they are among `outputTokens`. */
  reasoningTokens: number;
  /** True when input or output is our estimate and not the service's count. */
  isEstimated: boolean;
}

/** One call of a model. The work and the number make it one entry, however often it is written. */
export interface LedgerEntry extends TokenCounts {
  /** The turn that the call belongs to, or a piece of work with an id of its own. */
  workId: string;
  /** The number of the call within that work, from 0. */
  number: number;
  kind: CallKind;
  userId: string;
  conversationId: string | null;
  /** The public id of the key by which it was asked for; null where there was none. */
  keyId: string | null;
  /** `provider/model`. */
  model: string;
  /** The cost in billionths of a US dollar; null while no price is known. */
  nanodollars: number | null;
}

/** Billionths in a US dollar. */
export const NANODOLLARS = 1_000_000_000;

/** The ways of grouping the entries of a report. */
export const USAGE_GROUPS = ['day', 'model', 'conversation', 'key'] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** The use of the calls of one group; `group` is null for calls of no conversation. */
export interface UsageSum {
  group: string | null;
  turns: number;
  calls: number;
  inputTokens: number;
  outputTokens: number;
  cachedTokens: number;
  reasoningTokens: number;
  nanodollars: number;
  /** Calls whose tokens are our estimate, and calls whose price is not known. */
  estimatedCalls: number;
  unpricedCalls: number;
}
