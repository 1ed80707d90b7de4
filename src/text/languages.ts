/**
 * The languages whose words are stemmed in documents of that language alone. Their stemmers are
 * loaded when they are first needed, so that whoever has no such documents pays nothing for them.
 */

import type * as LanguageData from './language-data.ts';
import { isTurkish } from './stems.ts';

/** Languages that gained by their stems (docs/retrieval.md), beside those that need no loading. */
export const LOADED_LANGUAGES = ['de', 'el', 'it', 'ro'] as const;
export type StemmedLanguage = (typeof LOADED_LANGUAGES)[number];

/** All languages in which a question is matched if a library has texts in them. */
export const MATCHED_LANGUAGES = [...LOADED_LANGUAGES, 'tr'] as const;
export type MatchedLanguage = (typeof MATCHED_LANGUAGES)[number];

/** The means by which the words of a language become stems. */
export interface Stems {
  /** Takes a word in lower case and composed (NFC). */
  stem: (word: string) => string;
  stopWords: ReadonlySet<string>;
  /** Only words of this script are of the language. */
  script: 'Latin' | 'Greek';
}

let data: typeof LanguageData | undefined;

/** Returns a language (ISO 639-1) if a question has to be matched in it apart from others. */
export function matchedLanguage(language: string | null | undefined): MatchedLanguage | undefined {
  return MATCHED_LANGUAGES.find((matched) => matched === language);
}

/** Loads what the words of these languages need; at once where that is nothing. */
export async function loadLanguages(languages: Iterable<string | null | undefined>): Promise<void> {
  for (const language of languages) if (isLoadedWhenNeeded(language)) await loadLanguageData();
}

/** Returns the language of a text (ISO 639-1), null unless it is sure. */
export async function languageOf(text: string): Promise<string | null> {
  if (isTurkish(text)) return 'tr';
  return (await loadLanguageData()).detectLanguage(text);
}

/**
 * Returns the content of a question that is in another language of the Latin script than English,
 * undefined for any other question.
 */
export async function contentOfForeign(question: string): Promise<string | undefined> {
  return (await loadLanguageData()).foreignContent(question);
}

async function loadLanguageData(): Promise<typeof LanguageData> {
  return (data ??= await import('#language-data'));
}

/**
 * Returns the stems of a language, undefined for one that has none of its own.
 * @throws TypeError unless {@link loadLanguages} was awaited
 */
export function stemsOf(language: string | null | undefined): Stems | undefined {
  if (!isLoadedWhenNeeded(language)) return undefined;
  if (!data) throw new TypeError(`the stems of ${language} are not loaded`);
  return data.STEMS[language];
}

function isLoadedWhenNeeded(language: string | null | undefined): language is StemmedLanguage {
  return LOADED_LANGUAGES.some((stemmed) => stemmed === language);
}
