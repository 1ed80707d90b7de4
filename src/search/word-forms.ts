/**
 * Compares the words of a question as they are in the languages of a library. A document whose
 * language is not known, or was told wrongly, has words as they are written where its neighbours
 * have stems. So a form that few documents have is not rare if the same word has others.
 */
import type { MatchedLanguage } from '../text/languages.ts';
import { isTurkish } from '../text/stems.ts';
import { isStopWord, words } from '../text/words.ts';

export interface WordForms {
  /** Returns the content words of the question in a language, with repetitions. */
  contentOf(language: MatchedLanguage | undefined): string[];
  /** The forms of each word that has several. */
  same: string[][];
}

type Language = MatchedLanguage | undefined;

/** Finds the forms of a question's words in no language in particular, and in each of these. */
export function formsIn(question: string, languages: readonly MatchedLanguage[]): WordForms {
  const unnamed = isTurkish(question) ? 'tr' : NO_LANGUAGE;
  const pieces = question
    .split(/\s+/u)
    .filter((piece) => words(piece, NO_LANGUAGE).length > 0)
    .map((piece) => {
      const of = new Map<Language, string[]>(
        [undefined, ...languages].map((language) => [language, words(piece, language ?? unnamed)]),
      );
      const isEnglish = words(piece, NO_LANGUAGE).every(isStopWord);
      return { of, isEnglish };
    });
  const english = pieces.filter(({ isEnglish }) => isEnglish).length;
  // A question is of a language that has more function words of it than English has.
  const own = languages.filter(
    (language) => pieces.filter(({ of }) => of.get(language)?.length === 0).length > english,
  );
  const kept = pieces
    .filter(({ of }) => !own.some((language) => of.get(language)?.length === 0))
    .map(({ of }) => new Map([...of].map(([language, list]) => [language, contentOf(list)])));
  return {
    contentOf: (language) => kept.flatMap((of) => of.get(language) ?? []),
    same: kept
      .filter((of) => [...of.values()].every((list) => list.length <= 1))
      .map((of) => [...new Set([...of.values()].flat())])
      .filter((forms) => forms.length > 1),
  };
}

function contentOf(list: readonly string[]): string[] {
  return list.filter((word) => !isStopWord(word));
}

/** A language without stems of its own: "undetermined" in ISO 639. */
const NO_LANGUAGE = 'und';

/** Gives forms of one word the frequency that they have together. */
export function pooled(
  frequencies: Map<string, number>,
  sameWords: readonly (readonly string[])[],
): Map<string, number> {
  const result = new Map(frequencies);
  for (const forms of sameWords) {
    const sum = forms.reduce((all, form) => all + (frequencies.get(form) ?? 0), 0);
    for (const form of forms) result.set(form, Math.max(result.get(form) ?? 0, sum));
  }
  return result;
}
