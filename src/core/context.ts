import { estimateTokens, MOST_TOKENS_A_UNIT } from './tokens.ts';
import type { Role } from './message.ts';

/** One message of the history as the model will see it. */
export interface ContextMessage {
  role: Role;
  text: string;
}

export interface ContextLimits {
  /** Most messages, the newest first; the new user message included. */
  windowMessages: number;
  /** Never fewer of the newest than this, even over the budget. */
  minMessages: number;
  /** Tokens for instructions and messages together. */
  tokenBudget: number;
}

/**
 * The messages to send: the newest that fit, whole, starting with the user, neighbouring messages of one role merged.
 * @param history oldest first, the new user message last; failed and empty answers already left out
 * @param reserved tokens that something else (instructions, passages) takes from the budget
 */
export function chooseContext({
  history,
  limits,
  reserved = 0,
}: {
  history: readonly ContextMessage[];
  limits: ContextLimits;
  reserved?: number;
}): ContextMessage[] {
  const newest = history.slice(-Math.max(limits.windowMessages, 1));
  const fitting = newest.slice(
    -countFitting({ newest, limits, budget: limits.tokenBudget - reserved }),
  );
  const fromUser = fitting.slice(
    Math.max(
      fitting.findIndex((message) => message.role === 'user'),
      0,
    ),
  );
  return mergeNeighbours(fromUser);
}

function countFitting({
  newest,
  limits,
  budget,
}: {
  newest: readonly ContextMessage[];
  limits: ContextLimits;
  budget: number;
}): number {
  // What fits at the most that a text can be needs no estimate: most turns make none.
  const units = newest.reduce((sum, message) => sum + message.text.length, 0);
  if (units * MOST_TOKENS_A_UNIT <= budget) return newest.length;
  let tokens = 0;
  let count = 0;
  for (const message of newest.toReversed()) {
    tokens += estimateTokens(message.text);
    if (tokens > budget && count >= limits.minMessages) break;
    count++;
  }
  return Math.max(count, 1);
}

function mergeNeighbours(messages: readonly ContextMessage[]): ContextMessage[] {
  const merged: ContextMessage[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (last?.role === message.role) last.text += `\n\n${message.text}`;
    else merged.push({ ...message });
  }
  return merged;
}
