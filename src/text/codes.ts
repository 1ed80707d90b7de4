/**
 * Splits codes such as standards, versions, part numbers and dates (`ISO 9001`, `v2.3.1`,
 * `AB-12/3`) into words. People write one code in several ways, so its parts become words, as do
 * each run of letters and digits and the whole code. The parts find it however it is written, and
 * the whole code ranks exact matches first.
 */

/** Characters that separate the parts of a code, escaped for a character class. */
export const CONNECTORS = '\\-\\u2010-\\u2015\\u2212.\\/_:';
export const CONNECTOR = new RegExp(`[${CONNECTORS}]`, 'u');
const PARTS = /\p{N}+|[^\p{N}]+/gu;
const NUMBER = /^\p{N}/u;

/**
 * A run that alternates more often between letters and digits is data (a hash, an id), and stays
 * one word.
 */
const MOST_PARTS_OF_RUN = 5;
/** Longer codes are addresses and ids. Their runs become words, but not the whole code. */
const MOST_PARTS = 8;

/**
 * Returns the words of a code: runs of letters and digits, joined by connectors, with at least one
 * digit.
 */
export function codeWords(code: string): string[] {
  const into: string[] = [];
  const all: string[] = [];
  for (const run of code.split(CONNECTOR)) {
    const parts = run.match(PARTS) ?? [];
    const isData = parts.length > MOST_PARTS_OF_RUN;
    if (parts.length > 1 && !isData) into.push(...parts);
    into.push(run);
    all.push(...(isData ? [run] : parts));
  }
  if (all.length > MOST_PARTS) return into;
  for (const word of new Set([...numberGroups(all), joined(all)]))
    if (!into.includes(word)) into.push(word);
  return into;
}

/** Returns words for numbers that follow each other (2.3.1 in v2.3.1). */
function numberGroups(parts: readonly string[]): string[] {
  const groups: string[] = [];
  for (let at = 0; at < parts.length; at++) {
    const from = at;
    while (at < parts.length && NUMBER.test(parts[at]!)) at++;
    if (at - from > 1) groups.push(joined(parts.slice(from, at)));
  }
  return groups;
}

/** Joins parts to one word. A letter separates two numbers, so that 2.3.1 differs from 231. */
function joined(parts: readonly string[]): string {
  return parts.reduce((word, part, at) =>
    NUMBER.test(part) && NUMBER.test(parts[at - 1] ?? '') ? `${word}p${part}` : word + part,
  );
}
