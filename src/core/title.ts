/** Longest title, in UTF-16 units. */
export const MAX_TITLE_LENGTH = 80;

/**
 * What a title must not hold: control characters, and those that turn the direction of all that
 * follows. Joiners and variation selectors stay, since emoji and several scripts are made with them.
 */
const UNWANTED = /[\p{Cc}\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB]/gu;

/**
 * Makes a conversation's title of its first user message.
 * @param words how many words of it at most
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

/** Makes the first letter a capital where that is one letter: `ß` and ligatures stay as they are. */
function withCapital(text: string): string {
  const [first = ''] = text;
  const capital = first.toUpperCase();
  const isOneLetter = Array.from(capital).length === 1;
  return isOneLetter ? capital + text.slice(first.length) : text;
}

/** Cuts between characters as people see them: never inside a family of emoji, a flag or an accent. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  let end = 0;
  // What follows is looked at too: whether a character is whole is known by the one behind it.
  for (const { index, segment } of graphemes.segment(text.slice(0, 2 * length))) {
    if (index + segment.length > length) break;
    end = index + segment.length;
  }
  return text.slice(0, end).trimEnd() || text.slice(0, length).toWellFormed();
}
