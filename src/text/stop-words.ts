/** Function words, which structure a sentence and say nothing about its subject. */

import { stopwords as arabic } from '@orama/stopwords/arabic';
import { stopwords as russian } from '@orama/stopwords/russian';
import { stopwords as turkish } from '@orama/stopwords/turkish';

export const ENGLISH_STOP_WORDS: ReadonlySet<string> = new Set(
  (
    'a about above after again against all also am an and any are as at be because been before ' +
    'being below between both but by can could did do does doing down during each few for from ' +
    'further had has have having he her here hers herself him himself his how i if in into is it ' +
    'its itself just me more most my myself no nor not now of off on once only or other our ours ' +
    'ourselves out over own same she should so some such than that the their theirs them ' +
    'themselves then there these they this those through to too under until up very was we were ' +
    'what when where which while who whom why will with would you your yours yourself yourselves'
  ).split(' '),
);

/** In lower case, with their accents. */
export const RUSSIAN_STOP_WORDS = setOf(russian);
export const ARABIC_STOP_WORDS = setOf(arabic);
export const TURKISH_STOP_WORDS = setOf(turkish);

/** Returns a list of words as a set, in lower case and composed (NFC). */
export function setOf(words: readonly string[]): ReadonlySet<string> {
  return new Set(words.map((word) => word.normalize('NFC').toLowerCase()));
}
