/** Writes the log line of a finished turn. */
import type { Status } from '../../core/message.ts';
import type { EndedTurn } from './after-turn.ts';

const BROKEN: ReadonlySet<Status> = new Set<Status>(['failed', 'interrupted']);

/** Logs the result, the tokens and times and the ids of a turn, and no text of it. */
export function logTurn({ head, outcome, log }: EndedTurn): void {
  const { message, error } = outcome;
  const level = BROKEN.has(message.status) ? 'warn' : 'info';
  log[level]('turn', {
    status: message.status,
    turn_id: head.turnId,
    conversation_id: head.conversationId,
    model: message.model,
    first_token_ms: message.firstTokenMs,
    duration_ms: message.durationMs,
    input_tokens: message.inputTokens,
    output_tokens: message.outputTokens,
    tokens_estimated: message.tokensEstimated,
    code: error?.code,
  });
}
