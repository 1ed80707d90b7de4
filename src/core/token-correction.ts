/**
 * Corrects estimates of tokens by what a provider counted: tokenizers differ, and the last turn of
 * a conversation shows by how much for its texts.
 */

/** What was sent for an answer, in tokens. */
export interface SentTokens {
  /** As the provider counted it. */
  counted: number;
  /** As we estimate it. */
  estimated: number;
}

/** Below this many tokens what a service adds by itself says more than the texts do. */
const LEAST_TO_LEARN_FROM = 500;
const SMALLEST = 0.5;
const LARGEST = 3;

/**
 * Returns how many of the provider's tokens one of our estimates stands for, between 0.5 and 3;
 * 1 where too little was sent to tell.
 */
export function correctionFrom(last: SentTokens | undefined): number {
  if (!last || last.estimated < LEAST_TO_LEARN_FROM || !(last.counted > 0)) return 1;
  return Math.min(Math.max(last.counted / last.estimated, SMALLEST), LARGEST);
}

/** Returns the budget in our estimates for a budget in the provider's tokens. */
export function correctBudget(budget: number, correction: number): number {
  return Math.floor(budget / correction);
}
