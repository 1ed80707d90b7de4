/** The function words of languages, by which those of one script are told apart. */

import { stopwords as arabic } from '@orama/stopwords/arabic';
import { stopwords as bulgarian } from '@orama/stopwords/bulgarian';
import { stopwords as danish } from '@orama/stopwords/danish';
import { stopwords as dutch } from '@orama/stopwords/dutch';
import { stopwords as finnish } from '@orama/stopwords/finnish';
import { stopwords as french } from '@orama/stopwords/french';
import { stopwords as german } from '@orama/stopwords/german';
import { stopwords as hungarian } from '@orama/stopwords/hungarian';
import { stopwords as hindi } from '@orama/stopwords/indian';
import { stopwords as indonesian } from '@orama/stopwords/indonesian';
import { stopwords as irish } from '@orama/stopwords/irish';
import { stopwords as italian } from '@orama/stopwords/italian';
import { stopwords as lithuanian } from '@orama/stopwords/lithuanian';
import { stopwords as nepali } from '@orama/stopwords/nepali';
import { stopwords as norwegian } from '@orama/stopwords/norwegian';
import { stopwords as portuguese } from '@orama/stopwords/portuguese';
import { stopwords as romanian } from '@orama/stopwords/romanian';
import { stopwords as russian } from '@orama/stopwords/russian';
import { stopwords as spanish } from '@orama/stopwords/spanish';
import { stopwords as swedish } from '@orama/stopwords/swedish';
import { stopwords as turkish } from '@orama/stopwords/turkish';
import { stopwords as ukrainian } from '@orama/stopwords/ukrainian';
import { ENGLISH_STOP_WORDS, setOf } from './stop-words.ts';

/** Single letters of the Latin script are in texts of any kind. */
const SAYS_NOTHING = /^\p{Script=Latin}$/u;

/** By script, the function words of each of its languages. */
export const FUNCTION_WORDS: ReadonlyMap<
  string,
  ReadonlyMap<string, ReadonlySet<string>>
> = new Map([
  [
    'Latin',
    listsOf({
      ...{ da: danish, de: german, es: spanish, fi: finnish, fr: french, ga: irish },
      ...{ hu: hungarian, id: indonesian, it: italian, lt: lithuanian, nl: dutch },
      ...{ no: norwegian, pt: portuguese, ro: romanian, sv: swedish, tr: turkish },
    }).set('en', ENGLISH_STOP_WORDS),
  ],
  ['Cyrillic', listsOf({ bg: bulgarian, ru: russian, uk: ukrainian })],
  ['Arabic', listsOf({ ar: arabic })],
  ['Devanagari', listsOf({ hi: hindi, ne: nepali })],
]);

/** English texts have "in" and "as" too, which must not make Portuguese of them. */
function listsOf(lists: Record<string, readonly string[]>): Map<string, ReadonlySet<string>> {
  const saysMore = (word: string) => !SAYS_NOTHING.test(word) && !ENGLISH_STOP_WORDS.has(word);
  return new Map(
    Object.entries(lists).map(([language, words]) => [
      language,
      new Set([...setOf(words)].filter(saysMore)),
    ]),
  );
}
