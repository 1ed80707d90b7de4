/**
 * Defines a word for the keyword index, the ranking and the offline embedder. The index receives
 * `keywordText`, so this file decides where words begin, instead of a tokenizer's defaults.
 */

import { stemmer } from 'stemmer';
import { CONNECTOR, CONNECTORS, codeWords } from './codes.ts';
import { stemsOf } from './languages.ts';
import { isTurkish, TURKISH, withStems } from './stems.ts';
import { ARABIC_STOP_WORDS, ENGLISH_STOP_WORDS, RUSSIAN_STOP_WORDS } from './stop-words.ts';

const NON_ASCII = /[^\x00-\x7f]/;
const DIGIT = /\p{N}/u;
/**
 * Characters that are removed without dividing a word: accents (except the two marks that make
 * another kana of one), format characters such as the soft hyphen, and the stroke that lengthens
 * Arabic words.
 */
const DROPPED = /[[^\P{M}\u3099\u309a]\p{Cf}\u0640]+/gv;

/** Letters that have no decomposition, as they are written on a keyboard that lacks them. */
const PLAIN: Record<string, string> = {
  ...{ ß: 'ss', ø: 'o', ł: 'l', đ: 'd', ð: 'd', ı: 'i', œ: 'oe', æ: 'ae', þ: 'th', ħ: 'h', ŧ: 't' },
  ς: 'σ',
};
const NOT_PLAIN = /[ßøłđðıœæþħŧς]/g;

/** Scripts without spaces between words. Hangul has spaces, but its words include particles. */
const UNSPACED = String.raw`[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー]`;
const IS_UNSPACED = new RegExp(`^${UNSPACED}`, 'v');
const LETTERS = String.raw`[[\p{L}\p{N}]--${UNSPACED}]+`;
/**
 * Matches a run of such a script, or letters and digits with the connectors of a code between them.
 */
const RUN = new RegExp(
  String.raw`[[\p{L}\p{N}]&&${UNSPACED}]+|${LETTERS}(?:[${CONNECTORS}]${LETTERS})*`,
  'gv',
);
/** Does the same for ASCII text, which is faster. */
const ASCII_RUN = /[a-z0-9]+(?:[-./_:][a-z0-9]+)*/g;
const ASCII_WORD = /^[a-z]+$/;

/** The function words of languages that their script tells apart, as `words` gives them. */
const STOP_WORDS: ReadonlySet<string> = new Set([
  ...ENGLISH_STOP_WORDS,
  ...[...RUSSIAN_STOP_WORDS, ...ARABIC_STOP_WORDS].map(folded),
]);

/** Longest word. Longer runs of letters are data; their beginning is enough to find them. */
const LONGEST_WORD = 64;

const terms = new Map<string, string | null>();
/** Most entries, about 2 MB. Words of natural text repeat, so nearly every look-up is a hit. */
const TERM_CACHE_SIZE = 20_000;

/** Returns the stem of a content word, or null for a function word. */
export function contentTerm(word: string): string | null {
  let term = terms.get(word);
  if (term === undefined) {
    if (terms.size >= TERM_CACHE_SIZE) terms.clear();
    term = STOP_WORDS.has(word) ? null : stemmer(word);
    terms.set(word, term);
  }
  return term;
}

/** Returns the stem of any word by Porter's algorithm, as FTS5's `porter` tokenizer does. */
export function termOf(word: string): string {
  return contentTerm(word) ?? stemmer(word);
}

function pushBigrams(run: string, into: string[]): void {
  const letters = Array.from(run);
  if (letters.length === 1) into.push(run);
  for (let index = 0; index + 1 < letters.length; index++) {
    into.push(`${letters[index]}${letters[index + 1]}`);
  }
}

/**
 * Returns the words of a text in order, in lower case, without diacritics and format characters.
 * Codes become several words (`codes.ts`). Runs of a script without spaces become overlapping pairs
 * of characters, the usual index unit for Chinese, Japanese and Korean without a dictionary (Nie,
 * Gao, Zhang and Zhou, "On the use of words and n-grams for Chinese information retrieval", IRAL
 * 2000). Russian and Arabic words become their stems (`stems.ts`), and those of the language.
 * @param language ISO 639-1; where it is not known, a text is Turkish if its letters say so
 * @throws TypeError unless the language is loaded (`loadLanguages`)
 */
export function words(text: string, language?: string | null): string[] {
  const asTurkish = language == null ? isTurkish(text) : language === 'tr';
  const stems = asTurkish ? TURKISH : stemsOf(language);
  if (!stems && !NON_ASCII.test(text)) return asciiWords(text);
  const lower = asTurkish ? text.toLocaleLowerCase('tr') : text.toLowerCase();
  return foldedWords(withStems(lower.normalize('NFC'), stems));
}

/**
 * Returns true for a text whose words depend on nothing beyond the spaces around them, so that
 * {@link wordsOfPiece} gives them.
 */
export function hasPlainPieces(text: string, language?: string | null): boolean {
  return language == null ? !isTurkish(text) : language !== 'tr' && !stemsOf(language);
}

/** Returns the words of a piece of such a text, as {@link words} does. */
export function wordsOfPiece(piece: string): string[] {
  return foldedWords(withStems(piece.toLowerCase().normalize('NFC'), undefined));
}

/** Returns the words of a text as {@link words} does, without stems. */
export function plainWords(text: string): string[] {
  return NON_ASCII.test(text) ? foldedWords(text.toLowerCase()) : asciiWords(text);
}

function asciiWords(text: string): string[] {
  const result: string[] = [];
  for (const run of text.toLowerCase().match(ASCII_RUN) ?? []) {
    if (ASCII_WORD.test(run)) result.push(run.slice(0, LONGEST_WORD));
    else pushRun(run, result);
  }
  return result;
}

function foldedWords(lower: string): string[] {
  const result: string[] = [];
  for (const run of folded(lower).match(RUN) ?? []) {
    if (ASCII_WORD.test(run)) result.push(run.slice(0, LONGEST_WORD));
    else if (IS_UNSPACED.test(run)) pushBigrams(run, result);
    else pushRun(run, result);
  }
  return result;
}

function pushRun(run: string, into: string[]): void {
  const found = DIGIT.test(run) ? codeWords(run) : run.split(CONNECTOR);
  for (const word of found) into.push(word.slice(0, LONGEST_WORD));
}

/** Normalises letters: NFKD separates accents and folds full-width forms, NFC recomposes Hangul. */
function folded(lower: string): string {
  return lower
    .normalize('NFKD')
    .replace(DROPPED, '')
    .normalize('NFC')
    .replace(NOT_PLAIN, (letter) => PLAIN[letter] ?? letter);
}

export function isStopWord(word: string): boolean {
  return STOP_WORDS.has(word);
}

/** Returns the stems of a text's content words, in order, with repetitions. */
export function contentTerms(text: string): string[] {
  const result: string[] = [];
  for (const word of words(text)) {
    const term = contentTerm(word);
    if (term !== null) result.push(term);
  }
  return result;
}

/** Returns the words of a text, separated by one space, for the keyword index. */
export function keywordText(text: string, language?: string | null): string {
  return words(text, language).join(' ');
}
