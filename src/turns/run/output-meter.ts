/** Notices a model that writes on where its service ignores the limit of the answer. */
import { estimateTokens, MOST_TOKENS_A_UNIT } from '../../core/tokens.ts';

/**
 * The limit at which a call is ended, as a multiple of what was granted, and tokens on top.
 * Estimates of a page are at most a third above the truth, and tokenizers differ: a service that
 * keeps to the limit must never be cut off. A few words are further off than a page.
 */
const TOLERANCE = 1.5;
const TOLERATED_TOKENS = 64;
/** Estimating less than this many UTF-16 units at a time would count the edges of words. */
const LEAST_UNITS = 256;

const encoder = new TextEncoder();

export class OutputMeter {
  readonly #most: number;
  /** The tokens that were written, by an estimate; up to date when {@link passes} returns true. */
  spent = 0;
  #unread = '';
  /** The number of unread units that may pass the limit. */
  #looksAt: number;

  /** @param granted tokens that the model may write */
  constructor(granted: number) {
    this.#most = granted * TOLERANCE + TOLERATED_TOKENS;
    this.#looksAt = this.#most / MOST_TOKENS_A_UNIT;
  }

  /**
   * Counts what was written. Each text is estimated once, and none that cannot reach the limit.
   * @returns true when all of it is too much
   */
  passes(delta: string): boolean {
    this.#unread += delta;
    const { length } = this.#unread;
    if (length < this.#looksAt) return false;
    const left = this.#most - this.spent;
    const most = mostTokensOf(this.#unread);
    if (most < left) {
      this.#looksAt = length + Math.max(LEAST_UNITS, (left - most) / MOST_TOKENS_A_UNIT);
      return false;
    }
    this.spent += estimateTokens(this.#unread);
    this.#unread = '';
    this.#looksAt = Math.max(LEAST_UNITS, (this.#most - this.spent) / MOST_TOKENS_A_UNIT);
    return this.spent > this.#most;
  }
}

/** Returns a bound: a tokenizer spends at most one token a byte. */
function mostTokensOf(text: string): number {
  return encoder.encode(text).length;
}
