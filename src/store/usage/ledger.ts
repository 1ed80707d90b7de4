/** Writes the ledger, in the batches of the work that called the models. */
import type { LedgerEntry } from '../../core/ledger.ts';
import { NOW, type Statement } from '../database.ts';

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
