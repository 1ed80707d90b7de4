/** Writes the ledger, in the batches of the work that called the models. */
import type { LedgerEntry } from '../../core/ledger.ts';
import { NOW, type Statement } from '../database.ts';

/**
 * The most that an id may be older or younger than its entry, in milliseconds: ids are made by
 * the clocks of the processes, and entries have the time of the database.
 */
export const ID_TOLERANCE = 86_400_000;

/** Returns the expression of what no id of an entry is below that is not older than a time. */
export function lowestIdSince(time: string): string {
  const from = `(${time} - ${ID_TOLERANCE})`;
  return `printf('%08x-%04x', ${from} / 65536, ${from} % 65536)`;
}

/**
 * An entry that comes again is the same one. What the instance of a turn says of it replaces what
 * was written for it when it seemed lost.
 */
const INSERT = `INSERT INTO ledger (work_id, number, user_id, conversation_id, key_id, kind, model, input_tokens, output_tokens,
    cached_tokens, reasoning_tokens, is_estimated, nanodollars, created_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(?, ${NOW}))
  ON CONFLICT DO UPDATE SET key_id = excluded.key_id, kind = excluded.kind, model = excluded.model, input_tokens = excluded.input_tokens,
    output_tokens = excluded.output_tokens, cached_tokens = excluded.cached_tokens,
    reasoning_tokens = excluded.reasoning_tokens, is_estimated = excluded.is_estimated, nanodollars = excluded.nanodollars`;

/**
 * Returns the statements that store entries; safe to repeat.
 * @param at when the work began, in milliseconds by the database's clock; now when it is left out
 */
export function recordCalls(entries: readonly LedgerEntry[], at?: number): Statement[] {
  return entries.map((entry) => ({
    sql: INSERT,
    args: [
      entry.workId,
      entry.number,
      entry.userId,
      entry.conversationId,
      entry.keyId,
      entry.kind,
      entry.model,
      entry.inputTokens,
      entry.outputTokens,
      entry.cachedTokens,
      entry.reasoningTokens,
      entry.isEstimated ? 1 : 0,
      entry.nanodollars,
      at ?? null,
    ],
  }));
}
