/** Tells of a turn, in headers, what clients of OpenAI's API look for. */
import type { Budget } from '../../core/limits.ts';
import type { TurnAddress } from '../../turns/turn-service.ts';
import { openAiLimitHeaders } from '../../wire/limits-view.ts';
import { turnHeaders } from '../shared/stream-turn.ts';

/**
 * Returns the headers of an answer with a turn.
 * @param turn with its limits, where it has any
 */
export function openAiTurnHeaders(
  turn: TurnAddress & { readonly limits?: Budget | undefined },
): Record<string, string> {
  return { ...turnHeaders(turn), ...openAiLimitHeaders(turn.limits) };
}
