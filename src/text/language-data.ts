/**
 * The knowledge of single languages that is seldom needed. It is loaded when a document is taken
 * in, or when a library has texts in one of these languages; on Workers it is a module beside the
 * main one. Use it by way of `languages.ts`.
 */

import { stemmer as german } from '@orama/stemmers/german';
import { stemmer as greek } from '@orama/stemmers/greek';
import { stemmer as italian } from '@orama/stemmers/italian';
import { stemmer as romanian } from '@orama/stemmers/romanian';
import { stopwords as germanWords } from '@orama/stopwords/german';
import { stopwords as greekWords } from '@orama/stopwords/greek';
import { stopwords as italianWords } from '@orama/stopwords/italian';
import { stopwords as romanianWords } from '@orama/stopwords/romanian';
import type { StemmedLanguage, Stems } from './languages.ts';
import { setOf } from './stop-words.ts';

export { detectLanguage, foreignContent } from './detect-language.ts';

/** The stems of languages whose words are only stemmed in documents of that language. */
export const STEMS: Readonly<Record<StemmedLanguage, Stems>> = {
  de: { stem: german, stopWords: setOf(germanWords), script: 'Latin' },
  el: { stem: greek, stopWords: setOf(greekWords), script: 'Greek' },
  it: { stem: italian, stopWords: setOf(italianWords), script: 'Latin' },
  ro: { stem: romanian, stopWords: setOf(romanianWords), script: 'Latin' },
};
