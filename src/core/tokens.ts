import { estimateTokenCount } from 'tokenx';

/** Above this many UTF-16 units an estimate is made of a sample: the estimator is linear, a 10 MB text is not worth a second of CPU. */
const SAMPLE_LENGTH = 50_000;

/** About how many tokens a text is: for budgets, and for usage that no provider reported (then marked as estimated). */
export function estimateTokens(text: string): number {
  if (text.length <= SAMPLE_LENGTH) return estimateTokenCount(text);
  return Math.round(
    (estimateTokenCount(text.slice(0, SAMPLE_LENGTH)) * text.length) / SAMPLE_LENGTH,
  );
}
