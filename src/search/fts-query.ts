/** Turns any text of a user into a MATCH expression that FTS5 always accepts. */

import { withoutContractions } from '../text/contractions.ts';
import { isStopWord, plainWords, termOf, words } from '../text/words.ts';

/**
 * Most words that are searched. Each costs a walk through its list, and questions have fewer. Of a
 * longer text, the words that it repeats most are kept.
 */
export const MAXIMUM_QUERY_WORDS = 32;

export interface KeywordQuery {
  /** The FTS5 expression, or null if the text contains no word. */
  match: string | null;
  /** The searched words, each once, in the order of the text. */
  words: string[];
  /** Their stems in the order of the text, with repetitions, for ranking. */
  terms: string[];
}

function mostFrequent(list: string[], limit: number): string[] {
  const counts = new Map<string, number>();
  for (const word of list) counts.set(word, (counts.get(word) ?? 0) + 1);
  if (counts.size <= limit) return [...counts.keys()];
  const kept = new Set(
    [...counts]
      .sort(
        ([a, countA], [b, countB]) => countB - countA || b.length - a.length || (a < b ? -1 : 1),
      )
      .slice(0, limit)
      .map(([word]) => word),
  );
  return [...counts.keys()].filter((word) => kept.has(word));
}

/**
 * Quotes a word. Words consist of letters and digits, so a quoted word contains no operator or
 * quote.
 */
export function quoted(word: string): string {
  return `"${word}"`;
}

/**
 * Returns the keyword query of a text: its content words joined by OR, each a quoted string.
 * Function words are left out unless there is nothing else.
 */
export function keywordQuery(text: string): KeywordQuery {
  const all = words(text);
  const question = withoutContractions(text);
  const content = words(question).filter((word) => !isStopWord(word));
  const chosen = content.length > 0 ? content : all;
  const asked = mostFrequent(chosen, MAXIMUM_QUERY_WORDS);
  const set = new Set(asked);
  // Texts that were indexed before there were stems have the words as they are written.
  const plain = plainWords(question).filter((word) => !set.has(word) && !isStopWord(word));
  const searched = asked.length > 0 ? [...asked, ...mostFrequent(plain, MAXIMUM_QUERY_WORDS)] : [];
  return {
    match: searched.length > 0 ? searched.map(quoted).join(' OR ') : null,
    words: asked,
    terms: chosen.filter((word) => set.has(word)).map(termOf),
  };
}
