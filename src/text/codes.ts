/**
 * Codes: standards, versions, part numbers, dates (`ISO 9001`, `v2.3.1`, `AB-12/3`). People write one
 * code in several ways, so that its parts are words, each run of letters and digits is one, and so is
 * the whole: the parts find it however it is written, the whole ranks what is written alike first.
 */

/** Marks that stand between the parts of a code: the escaped members of a character class. */
export const CONNECTORS = '\\-\\u2010-\\u2015\\u2212.\\/_:';
export const CONNECTOR = new RegExp(`[${CONNECTORS}]`, 'u');
const PARTS = /\p{N}+|[^\p{N}]+/gu;
const NUMBER = /^\p{N}/u;

/** A run that changes oftener between letters and digits is data (a hash, an id): one word. */
const MOST_PARTS_OF_RUN = 5;
/** Longer codes are addresses and ids: their runs are found, the whole is not. */
const MOST_PARTS = 8;

/** The words of runs of letters and digits with connectors between them, at least one digit among them. */
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

/** Numbers that follow each other (2.3.1 in v2.3.1) are a word of their own. */
function numberGroups(parts: readonly string[]): string[] {
  const groups: string[] = [];
  for (let at = 0; at < parts.length; at++) {
    const from = at;
    while (at < parts.length && NUMBER.test(parts[at]!)) at++;
    if (at - from > 1) groups.push(joined(parts.slice(from, at)));
  }
  return groups;
}

/** The parts as one word: between two numbers a letter, that 2.3.1 is not 231. */
function joined(parts: readonly string[]): string {
  return parts.reduce((word, part, at) =>
    NUMBER.test(part) && NUMBER.test(parts[at - 1] ?? '') ? `${word}p${part}` : word + part,
  );
}
