/** Tells the language of a text by its script, or by its function words where a script has many. */

import { FUNCTION_WORDS } from './function-words.ts';

/** Length of a text that is looked at, in UTF-16 units. */
const SAMPLE = 4_000;
/** The least share of letters that the script of a language must have. */
const MOST_LETTERS = 0.6;
/** Fewer words are a title or a line of a table, which may be in any language. */
const FEWEST_WORDS = 15;
/** The least share of function words, and how far ahead of the next language it must be. */
const LEAST_SHARE = 0.15;
const LEAD = 1.3;
/** Japanese is written with Chinese characters too, Chinese without kana. */
const LEAST_KANA = 0.05;

const LETTERS = /\p{L}/gu;

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
  const letters = sample.match(LETTERS)?.length ?? 0;
  if (letters === 0) return null;
  const shareOf = (script: string) => countOf(sample, script) / letters;
  for (const [script, language] of SCRIPTS) if (shareOf(script) >= MOST_LETTERS) return language;
  const kana = shareOf('Hiragana') + shareOf('Katakana');
  if (kana + shareOf('Han') >= MOST_LETTERS) return kana >= LEAST_KANA ? 'ja' : 'zh';
  for (const script of FUNCTION_WORDS.keys())
    if (shareOf(script) >= MOST_LETTERS) return byFunctionWords(sample, script);
  return null;
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

/** A word that several languages have says less of each. */
function byFunctionWords(text: string, script: string): string | null {
  const lists = FUNCTION_WORDS.get(script) ?? new Map<string, ReadonlySet<string>>();
  const pattern = patternOf(String.raw`[\p{Script=${script}}\p{M}]+`);
  const words = text.normalize('NFC').toLowerCase().match(pattern) ?? [];
  if (words.length < FEWEST_WORDS) return null;
  const scores = new Map<string, number>();
  for (const word of words) {
    const having = [...lists].filter(([, list]) => list.has(word));
    for (const [language] of having)
      scores.set(language, (scores.get(language) ?? 0) + 1 / Math.sqrt(having.length));
  }
  const [[first, most] = ['', 0], [, next] = ['', 0]] = [...scores].sort(([, a], [, b]) => b - a);
  return most >= LEAST_SHARE * words.length && most >= LEAD * next ? first : null;
}
