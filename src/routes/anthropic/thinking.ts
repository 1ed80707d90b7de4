/** Reads how a model is to think for a message, and what its client wants to see of that. */
import { z } from '@hono/zod-openapi';
import { invalid } from '../../core/errors.ts';
import type { ReasoningEffort, TurnParameters } from '../../core/parameters.ts';

export const thinkingConfig = z.looseObject({
  type: z.enum(['adaptive', 'disabled', 'enabled']),
  budget_tokens: z.int().min(1_024).nullish(),
  display: z.enum(['summarized', 'omitted']).nullish(),
});

export type ThinkingConfig = z.output<typeof thinkingConfig>;

/** Tokens of thoughts up to which an effort is low, and up to which it is medium. */
const LOW_UP_TO = 4_096;
const MEDIUM_UP_TO = 16_384;

/**
 * Returns the effort that comes closest to a budget of thoughts; undefined where the model decides.
 * @throws ParleyError `invalid_request`
 */
export function effortOf(
  thinking: ThinkingConfig | null | undefined,
  most: number | undefined,
): ReasoningEffort | undefined {
  if (thinking?.type !== 'enabled') return undefined;
  const { budget_tokens: budget } = thinking;
  const field = 'thinking.budget_tokens';
  if (typeof budget !== 'number') throw invalid(field, `${field} is required`);
  if (most !== undefined && budget >= most)
    throw invalid(field, `${field} must be less than max_tokens`);
  if (budget <= LOW_UP_TO) return 'low';
  return budget <= MEDIUM_UP_TO ? 'medium' : 'high';
}

/** Returns what a request says of the thoughts that it is shown. */
export function displayOf(
  thinking: ThinkingConfig | null | undefined,
): Pick<TurnParameters, 'without_thoughts'> {
  return thinking?.display === 'omitted' ? { without_thoughts: true } : {};
}

/** Thoughts are never sent to a model again, so that clearing them changes nothing. */
const CLEARS_THOUGHTS = /^clear_thinking_/;

/**
 * Checks that a request wants nothing of its context changed that would stay.
 * @throws ParleyError `invalid_request`
 */
export function checkContextManagement(given: { edits?: { type: string }[] | null } | null): void {
  for (const [at, { type }] of (given?.edits ?? []).entries()) {
    const path = `context_management.edits.${at}.type`;
    if (!CLEARS_THOUGHTS.test(type)) throw invalid(path, `${path}: ${type} is not supported here`);
  }
}
