/** Writes the log line of a finished turn. */
import type { Status } from '../../core/message.ts';
import { NANODOLLARS, type LedgerEntry } from '../../core/ledger.ts';
import type { EndedTurn } from './after-turn.ts';

const BROKEN: ReadonlySet<Status> = new Set<Status>(['failed', 'interrupted']);

/** Logs the result, the tokens, cost and times and the ids of a turn, and no text of it. */
export function logTurn({ head, outcome, calls, log }: EndedTurn): void {
  const { message, error } = outcome;
  const level = BROKEN.has(message.status) ? 'warn' : 'info';
  log[level]('turn', {
    status: message.status,
    turn_id: head.turnId,
    conversation_id: head.conversationId,
    user_id: calls[0]?.userId,
    key_id: calls[0]?.keyId ?? undefined,
    model: message.model,
    first_token_ms: message.firstTokenMs,
    duration_ms: message.durationMs,
    input_tokens: message.inputTokens,
    output_tokens: message.outputTokens,
    tokens_estimated: message.tokensEstimated,
    model_calls: calls.length,
    cost_usd: costOf(calls),
    code: error?.code,
  });
}

/** Returns the cost in US dollars; undefined where a price is not known. */
function costOf(calls: readonly LedgerEntry[]): number | undefined {
  if (calls.some(({ nanodollars }) => nanodollars === null)) return undefined;
  return calls.reduce((sum, { nanodollars }) => sum + (nanodollars ?? 0), 0) / NANODOLLARS;
}
