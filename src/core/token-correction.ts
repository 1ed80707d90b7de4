/**
 * Corrects token estimates by a provider's counts. Tokenizers differ, and the last turn of a
 * conversation shows by how much for its texts.
 */

/** The input tokens of one answer. */
export interface SentTokens {
  /** As the provider counted it. */
  counted: number;
  /** As we estimate it. */
  estimated: number;
}

/** Below this many tokens, what a provider adds to a prompt outweighs the texts. */
const LEAST_TO_LEARN_FROM = 500;
const SMALLEST = 0.5;
const LARGEST = 3;

/**
 * Returns the number of the provider's tokens that one estimated token stands for, between 0.5 and
 * 3; 1 when too little was sent to tell.
 */
export function correctionFrom(last: SentTokens | undefined): number {
  if (!last || last.estimated < LEAST_TO_LEARN_FROM || !(last.counted > 0)) return 1;
  return Math.min(Math.max(last.counted / last.estimated, SMALLEST), LARGEST);
}

/** Converts a budget in the provider's tokens to one in estimated tokens. */
export function correctBudget(budget: number, correction: number): number {
  return Math.floor(budget / correction);
}

/** The ratio that the last turn of a path showed, and the model that it holds for. */
export interface LearnedRatio {
  model: string;
  /** As {@link correctionFrom} gives it. */
  ratio: number;
}

/** Returns the correction for a model: what was learned of another one says nothing of it. */
export function correctionFor(learned: LearnedRatio | undefined, model: string): number {
  return learned?.model === model ? learned.ratio : 1;
}
