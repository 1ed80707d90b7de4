/** Longest title, in UTF-16 units. */
export const MAX_TITLE_LENGTH = 80;

/** A conversation's title from its first user message: its first words, the first letter a capital, at most 80 characters; null when there are none. */
export function titleFrom({ text, words }: { text: string; words: number }): string | null {
  const chosen = text.trim().split(/\s+/u).slice(0, words).join(' ');
  if (chosen === '') return null;
  const [first = ''] = chosen;
  const title = first.toUpperCase() + chosen.slice(first.length);
  return cut(title, MAX_TITLE_LENGTH);
}

/** At most `length` units, never half a surrogate pair. */
function cut(text: string, length: number): string {
  return text.length <= length
    ? text
    : text
        .slice(0, length)
        .replace(/[\uD800-\uDBFF]$/u, '')
        .trimEnd();
}
