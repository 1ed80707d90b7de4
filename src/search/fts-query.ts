/** Turns any text of a user into a MATCH expression that FTS5 always accepts. */

import { withoutContractions } from '../text/contractions.ts';
import type { MatchedLanguage } from '../text/languages.ts';
import { isStopWord, plainWords, termOf, words } from '../text/words.ts';
import type { QueryTerms } from './bm25.ts';
import { formsIn } from './word-forms.ts';

/**
 * Most words that are searched. Each costs a walk through its list, and questions have fewer. Of a
 * longer text, the words that it repeats most are kept.
 */
export const MAXIMUM_QUERY_WORDS = 32;

export interface KeywordQuery {
  /** The FTS5 expression, or null if the text contains no word. */
  match: string | null;
  /** The searched words, each once, in the order of the text; language after language. */
  words: string[];
  /** Their stems in each language, for ranking. */
  terms: QueryTerms;
  /** Stems of one word in several languages: they are as rare as they are together. */
  sameWords: string[][];
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
 * @param languages those of the library, which are loaded; words are searched for as they are in
 *   each of them
 */
export function keywordQuery(
  text: string,
  languages: readonly MatchedLanguage[] = [],
): KeywordQuery {
  const question = withoutContractions(text);
  const forms = languages.length === 0 ? undefined : formsIn(question, languages);
  const asked = new Map(
    [undefined, ...languages].map((language) => [
      language,
      chosen(forms?.contentOf(language) ?? contentWords(question), () => words(text, language)),
    ]),
  );
  const searched = new Set([...asked.values()].flat());
  // Texts that were indexed before there were stems have the words as they are written.
  const plain = plainWords(question).filter((word) => !searched.has(word) && !isStopWord(word));
  const all = searched.size > 0 ? [...searched, ...mostFrequent(plain, MAXIMUM_QUERY_WORDS)] : [];
  return {
    match: all.length > 0 ? all.map(quoted).join(' OR ') : null,
    words: [...searched],
    terms: new Map([...asked].map(([language, list]) => [language, list.map(termOf)])),
    sameWords: forms?.same.map((list) => list.map(termOf)) ?? [],
  };
}

function contentWords(text: string, language?: MatchedLanguage): string[] {
  return words(text, language).filter((word) => !isStopWord(word));
}

/** Returns the words that are searched for, with repetitions. */
function chosen(content: string[], otherwise: () => string[]): string[] {
  const all = content.length > 0 ? content : otherwise();
  const kept = new Set(mostFrequent(all, MAXIMUM_QUERY_WORDS));
  return all.filter((word) => kept.has(word));
}
