/** Control characters, by which bytes and glyphs that are no text are told. */

const CONTROLS = /[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]/g;
/** More control characters than this share, and than a few, make it no text. */
const MOST = 0.1;
const A_FEW = 8;

/** How many control characters a text has; those of white space and terminals (ESC) do not count. */
export function countControls(text: string): number {
  return text.match(CONTROLS)?.length ?? 0;
}

/** @param length of the text that has them, where it is not that of all */
export function isTooMany(controls: number, length: number): boolean {
  return controls > Math.max(length * MOST, A_FEW);
}
