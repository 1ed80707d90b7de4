/**
 * Defines a word for the keyword index, the ranking and the offline embedder. The index receives
 * `keywordText`, so this file decides where words begin, instead of a tokenizer's defaults.
 */

import { stemmer } from 'stemmer';
import { CONNECTOR, CONNECTORS, codeWords } from './codes.ts';

/** English function words, which structure a sentence and say nothing about its subject. */
const STOP_WORDS = new Set(
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
 * 2000).
 */
export function words(text: string): string[] {
  const lower = text.toLowerCase();
  const result: string[] = [];
  const isAscii = !NON_ASCII.test(lower);
  for (const run of isAscii ? (lower.match(ASCII_RUN) ?? []) : (folded(lower).match(RUN) ?? [])) {
    if (ASCII_WORD.test(run)) result.push(run.slice(0, LONGEST_WORD));
    else if (!isAscii && IS_UNSPACED.test(run)) pushBigrams(run, result);
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
export function keywordText(text: string): string {
  return words(text).join(' ');
}
