/** The longest title, in UTF-16 units. */
export const MAX_TITLE_LENGTH = 80;

/**
 * The characters that are removed from titles: control characters, and those that change the
 * direction of the text after them. Joiners and variation selectors stay, since emoji and several
 * scripts need them.
 */
const UNWANTED = /[\p{Cc}\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]/gu;

/**
 * Returns a title for a conversation, made of its first user message.
 * @param words the most words that are taken from the message
 * @returns at most `MAX_TITLE_LENGTH` units; null when there are no words
 */
export function titleFrom({ text, words }: { text: string; words: number }): string | null {
  const chosen = text
    .split(/\s+/u)
    .map((word) => word.replace(UNWANTED, ''))
    .filter((word) => word !== '')
    .slice(0, words)
    .join(' ');
  return chosen === '' ? null : cut(withCapital(chosen), MAX_TITLE_LENGTH);
}

/**
 * Capitalises the first letter when its capital is a single letter; `ß` and ligatures stay as they
 * are.
 */
function withCapital(text: string): string {
  const [first = ''] = text;
  const capital = first.toUpperCase();
  const isOneLetter = Array.from(capital).length === 1;
  return isOneLetter ? capital + text.slice(first.length) : text;
}

/** Cuts a text between graphemes, never inside an emoji sequence, a flag or an accented letter. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  let end = 0;
  // The text after the cut is segmented too, since only the next character shows that one is whole.
  for (const { index, segment } of graphemes.segment(text.slice(0, 2 * length))) {
    if (index + segment.length > length) break;
    end = index + segment.length;
  }
  return text.slice(0, end).trimEnd() || text.slice(0, length).toWellFormed();
}
