/** Control characters, which reveal bytes and glyphs that are not text. */

const CONTROLS = /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/g;
/** Highest share of control characters in a text, above which it does not count as text. */
const MOST = 0.1;
const A_FEW = 8;

/** Counts the control characters of a text, except white space and those of terminals (ESC). */
export function countControls(text: string): number {
  return text.match(CONTROLS)?.length ?? 0;
}

/**
 * Returns true when there are too many control characters for a text. A few are always allowed.
 * @param length of the text that has them, if that is not the length of all
 */
export function isTooMany(controls: number, length: number): boolean {
  return controls > Math.max(length * MOST, A_FEW);
}
