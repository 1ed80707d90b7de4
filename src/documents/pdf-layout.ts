/** Arranges the pieces of text of a PDF's page in lines and paragraphs. */

/** The properties of a piece of text that are used here. */
export interface Piece {
  str: string;
  hasEOL: boolean;
  height: number;
  /** The last two numbers are the position. */
  transform: number[];
}

/** A gap between lines of more than this many line heights starts a paragraph. */
const PARAGRAPH_GAP = 1.8;

/**
 * Arranges a page's pieces in lines, with a blank line where the page has a gap. Joins words that
 * are hyphenated at a line end.
 */
export function layOut(pieces: readonly Piece[]): string {
  const paragraphs: string[] = [];
  let text = '';
  let last: Piece | undefined;
  for (const item of pieces) {
    if (last && startsParagraph(last, item)) {
      paragraphs.push(text.trimEnd());
      text = '';
    }
    text += item.str;
    if (item.hasEOL) text += '\n';
    if (item.str.trim() !== '') last = item;
  }
  return (
    [...paragraphs, text]
      .join('\n\n')
      .replace(/(\p{Ll})[-\u2010]\n(?=\p{Ll})/gu, '$1')
      // Starts at the first of several spaces only; starting at each of them would be quadratic.
      .replace(/(?<![ \t])[ \t]+\n/g, '\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim()
  );
}

function startsParagraph(before: Piece, item: Piece): boolean {
  const height = Math.max(before.height, item.height, 1);
  return (before.transform[5] ?? 0) - (item.transform[5] ?? 0) > height * PARAGRAPH_GAP;
}
