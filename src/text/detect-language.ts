/** Tells the language of a text by its script, or by its function words where a script has many. */

import { FUNCTION_WORDS } from './function-words.ts';

/** Length of a text that is looked at, in UTF-16 units. */
const SAMPLE = 4_000;
/** The least share of letters that the script of a language must have. */
const MOST_LETTERS = 0.6;
/** The share of letters of ASCII from which no other script can have so many characters. */
const NEARLY_ALL_LETTERS = 0.9;
/** Fewer words are a title or a line of a table, which may be in any language. */
const FEWEST_WORDS = 15;
/** The least share of function words, and how far ahead of the next language it must be. */
const LEAST_SHARE = 0.15;
const LEAD = 1.3;
/** Japanese is written with Chinese characters too, Chinese without kana. */
const LEAST_KANA = 0.05;

const LETTERS = /\p{L}/gu;
const ACCENTED = /[\p{Script=Latin}--[a-z]]/v;

/** The scripts of one language each. */
const SCRIPTS: readonly (readonly [script: string, language: string])[] = [
  ...([
    ['Greek', 'el'],
    ['Hebrew', 'he'],
    ['Thai', 'th'],
    ['Hangul', 'ko'],
  ] as const),
  ...([
    ['Armenian', 'hy'],
    ['Georgian', 'ka'],
    ['Tamil', 'ta'],
    ['Telugu', 'te'],
  ] as const),
  ...([
    ['Kannada', 'kn'],
    ['Malayalam', 'ml'],
    ['Gujarati', 'gu'],
    ['Gurmukhi', 'pa'],
  ] as const),
  ...([
    ['Khmer', 'km'],
    ['Lao', 'lo'],
    ['Myanmar', 'my'],
    ['Sinhala', 'si'],
  ] as const),
];

/** Returns the language of a text (ISO 639-1), null unless it is sure. */
export function detectLanguage(text: string): string | null {
  const sample = text.slice(0, SAMPLE);
  const ascii = lettersOfAscii(sample);
  const letters = ascii.isAll ? ascii.letters : (sample.match(LETTERS)?.length ?? 0);
  if (letters === 0) return null;
  // Most texts: twenty scripts need not be looked for.
  if (ascii.letters >= NEARLY_ALL_LETTERS * letters) return byFunctionWords(sample, 'Latin');
  const shareOf = (script: string) => countOf(sample, script) / letters;
  for (const [script, language] of SCRIPTS) if (shareOf(script) >= MOST_LETTERS) return language;
  const kana = shareOf('Hiragana') + shareOf('Katakana');
  if (kana + shareOf('Han') >= MOST_LETTERS) return kana >= LEAST_KANA ? 'ja' : 'zh';
  for (const script of FUNCTION_WORDS.keys())
    if (shareOf(script) >= MOST_LETTERS) return byFunctionWords(sample, script);
  return null;
}

/** Counts the letters of ASCII, and says whether a text has no other characters. */
function lettersOfAscii(text: string): { letters: number; isAll: boolean } {
  let letters = 0;
  let isAll = true;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const small = code | 0x20;
    if (code >= 0x80) isAll = false;
    else if (small >= 0x61 && small <= 0x7a) letters++;
  }
  return { letters, isAll };
}

const patterns = new Map<string, RegExp>();

function patternOf(source: string): RegExp {
  let pattern = patterns.get(source);
  if (!pattern) patterns.set(source, (pattern = new RegExp(source, 'gu')));
  return pattern;
}

function countOf(text: string, script: string): number {
  return text.match(patternOf(String.raw`\p{Script=${script}}`))?.length ?? 0;
}

/** By script, the languages of each function word. */
const languagesOf = new Map<string, ReadonlyMap<string, readonly string[]>>();

function languagesByWord(script: string): ReadonlyMap<string, readonly string[]> {
  let known = languagesOf.get(script);
  if (!known) languagesOf.set(script, (known = listed(script)));
  return known;
}

function listed(script: string): Map<string, string[]> {
  const result = new Map<string, string[]>();
  for (const [language, list] of FUNCTION_WORDS.get(script) ?? [])
    for (const word of list) result.set(word, [...(result.get(word) ?? []), language]);
  return result;
}

function wordPattern(script: string): RegExp {
  return patternOf(String.raw`[\p{Script=${script}}\p{M}]+`);
}

function wordsOf(text: string, script: string): string[] {
  return text.normalize('NFC').toLowerCase().match(wordPattern(script)) ?? [];
}

/** A word that several languages have says less of each. */
function byFunctionWords(text: string, script: string): string | null {
  const words = wordsOf(text, script);
  if (words.length < FEWEST_WORDS) return null;
  const languages = languagesByWord(script);
  const scores = new Map<string, number>();
  for (const word of words) {
    const having = languages.get(word) ?? [];
    for (const language of having)
      scores.set(language, (scores.get(language) ?? 0) + 1 / Math.sqrt(having.length));
  }
  const [[first, most] = ['', 0], [, next] = ['', 0]] = [...scores].sort(([, a], [, b]) => b - a);
  return most >= LEAST_SHARE * words.length && most >= LEAD * next ? first : null;
}

/**
 * Returns the content of a question that is in another language of the Latin script than English:
 * it has more function words of it than of English, or accents in most of its words. It is too
 * short to tell which language that is, but hardly any question in English has either. Without
 * known function words, or without anything else, the question is returned whole.
 * @returns undefined for a question in English, or without a sign
 */
export function foreignContent(question: string): string | undefined {
  const languages = languagesByWord('Latin');
  const words = wordsOf(question, 'Latin');
  const counts = new Map<string, number>();
  for (const word of words)
    for (const language of languages.get(word) ?? [])
      counts.set(language, (counts.get(language) ?? 0) + 1);
  const most = [...counts.values()].reduce((a, b) => Math.max(a, b), 0);
  const english = counts.get('en') ?? 0;
  if (most === english) return hasAccents(words, english) ? question : undefined;
  // A letter alone is mostly an article before a vowel: "l'eau".
  const isContent = (word: string) =>
    word.length > 1 &&
    !languages.get(word.toLowerCase())?.some((language) => counts.get(language) === most);
  const content = question
    .normalize('NFC')
    .replace(wordPattern('Latin'), (word) => (isContent(word) ? word : ''));
  return /[\p{L}\p{N}]/u.test(content) ? content : question;
}

/** Vietnamese has them in nearly all words, an English question at most in a name or two. */
function hasAccents(words: readonly string[], english: number): boolean {
  const accented = words.filter((word) => ACCENTED.test(word)).length;
  return accented > Math.max(1, english, words.length / 2);
}
