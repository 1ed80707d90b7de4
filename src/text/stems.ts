/**
 * Reduces words of other languages than English to their stems, where their script tells the
 * language, or for Turkish its letters, or where the language of the text is known
 * (`languages.ts`). English words are stemmed by `termOf`, as by the keyword index. The stemmers
 * are Snowball's, compiled to JavaScript; they know accents, so they see words before accents are
 * removed.
 */

import { stemmer as arabic } from '@orama/stemmers/arabic';
import { stemmer as russian } from '@orama/stemmers/russian';
import { stemmer as turkish } from '@orama/stemmers/turkish';
import type { Stems } from './languages.ts';
import { ARABIC_STOP_WORDS, RUSSIAN_STOP_WORDS, TURKISH_STOP_WORDS } from './stop-words.ts';

const CYRILLIC = /[\p{Script=Cyrillic}\p{M}\p{Cf}]+/gu;
const ARABIC = /[\p{Script=Arabic}\p{M}\p{Cf}]+/gu;
const LATIN = /[\p{Script=Latin}\p{M}\p{Cf}]+/gu;
const GREEK = /[\p{Script=Greek}\p{M}\p{Cf}]+/gu;
/** Marks and format characters that stand inside a word and do not belong to it. */
const MARKS = /[\p{M}\p{Cf}\u0640]+/gu;

/** Letters that among common languages only Turkish and its relatives have. */
const TURKISH_LETTERS = /[ığşİ]/u;
const TURKISH_WORD = /[ığş]/u;
/**
 * The least share of words with such a letter. Turkish texts have 0.4; texts of other languages
 * that tell of Turkey have a name here and there.
 */
const TURKISH_SHARE = 0.1;
/** Words that Turkish texts are full of and that other languages lack, one of which is enough. */
const TURKISH_FUNCTION_WORD =
  /(?<![\p{L}\p{N}])(?:bir|için|olarak|hangi|hangisi|nedir|neydi|kimdir|kimdi|neler|neleri|nelerdir|nasıl|nerede|kaç|değil|veya|gibi|göre|midir)(?![\p{L}\p{N}])/iu;
/** Length in which they are looked for: long texts have the letters too. */
const FUNCTION_WORD_SAMPLE = 300;
/** Length of a text that is looked at, in UTF-16 units. */
const SAMPLE = 2_000;
/** Words of which an English question about a Turkish name has one; none is Turkish. */
const ENGLISH = new Set(
  'the of is are was were did does what which who when where how to'.split(' '),
);
/** The most share of such words. */
const ENGLISH_SHARE = 0.05;

/**
 * Returns true for Turkish.
 * @param text of any case
 */
export function isTurkish(text: string): boolean {
  const sample = text.slice(0, SAMPLE);
  const hasFunctionWord = TURKISH_FUNCTION_WORD.test(text.slice(0, FUNCTION_WORD_SAMPLE));
  if (!hasFunctionWord && !TURKISH_LETTERS.test(sample)) return false;
  const lower = sample.toLocaleLowerCase('tr');
  const words = lower.match(LATIN) ?? [];
  const marked = words.filter((word) => TURKISH_WORD.test(word)).length;
  const english = words.filter((word) => ENGLISH.has(word)).length;
  const isMarked = hasFunctionWord || marked >= TURKISH_SHARE * words.length;
  return isMarked && english <= ENGLISH_SHARE * words.length;
}

/** The stems of Turkish. */
export const TURKISH: Stems = { stem: turkish, stopWords: TURKISH_STOP_WORDS, script: 'Latin' };

/**
 * Replaces the words of such languages in a text by their stems. Russian and Arabic function words
 * stay as they are; those of `stems` are left out.
 * @param lower in lower case and composed (NFC)
 * @param stems those of the text's language, if it has any that its script does not tell
 */
export function withStems(lower: string, stems: Stems | undefined): string {
  const cyrillic = lower.replace(CYRILLIC, (word) => stemOf(word, russian, RUSSIAN_STOP_WORDS));
  const both = cyrillic.replace(ARABIC, (word) => stemOf(word, arabic, ARABIC_STOP_WORDS));
  if (!stems) return both;
  return both.replace(stems.script === 'Greek' ? GREEK : LATIN, (word) =>
    isFunctionWord(word, stems) ? '' : stem(word, stems.stem),
  );
}

/** Greek's list of function words knows no accents. */
function isFunctionWord(word: string, { stopWords }: Stems): boolean {
  return stopWords.has(word) || stopWords.has(withoutAccents(word));
}

function withoutAccents(word: string): string {
  return word.normalize('NFD').replace(MARKS, '').replaceAll('ς', 'σ');
}

type Stemmer = (word: string) => string;

function stemOf(word: string, stemmer: Stemmer, stopWords: ReadonlySet<string>): string {
  const plain = word.replace(MARKS, '');
  return stopWords.has(plain) ? plain : stem(plain, stemmer);
}

/** The stems of words that were met, by stemmer. */
const known = new Map<Stemmer, Map<string, string>>();
/** Most entries of each, about 2 MB. */
const CACHE_SIZE = 20_000;

function stem(word: string, stemmer: Stemmer): string {
  let stems = known.get(stemmer);
  if (!stems) known.set(stemmer, (stems = new Map()));
  let result = stems.get(word);
  if (result === undefined) {
    if (stems.size >= CACHE_SIZE) stems.clear();
    // A stemmer may leave nothing of a short word.
    stems.set(word, (result = stemmer(word) || word));
  }
  return result;
}
