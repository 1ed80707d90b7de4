/**
 * Histories as clients send them that know no ids: the whole conversation with each request. What
 * tells one from another is a hash of it.
 */
import { contentOf, type Part } from './parts.ts';
import { sha256 } from './sha256.ts';

/** A message of the user's and the answer to it; null where the client has none. */
export interface Exchange {
  question: string;
  answer: Part[] | null;
}

/**
 * Returns the hashes of a history: for each exchange, of everything up to its question. Each takes
 * in the one before. Questions count as they are; of answers only the words, since clients trim
 * them and leave out what a model thought.
 * @param owner whose history it is: the same words of another user are another history
 */
export async function historyHashes(
  owner: string,
  exchanges: readonly Exchange[],
): Promise<string[]> {
  const hashes: string[] = [];
  let before = owner;
  let answered = '';
  for (const { question, answer } of exchanges) {
    before = await sha256(JSON.stringify([before, answered, question]));
    hashes.push(before);
    answered = wordsOf(contentOf(answer ?? []));
  }
  return hashes;
}

/** How clients mark thoughts that they keep within the text of an answer. */
const THOUGHTS = [
  { begins: '<details type="reasoning"', ends: '</details>' },
  { begins: '<think>', ends: '</think>' },
];

/** Returns the words of an answer, without thoughts and whatever white space lies between them. */
export function wordsOf(answer: string): string {
  return THOUGHTS.reduce(without, answer).replace(/\s+/gu, ' ').trim();
}

/** Returns a text without what stands between two marks; a first mark alone is left as it is. */
function without(text: string, { begins, ends }: (typeof THOUGHTS)[number]): string {
  const kept: string[] = [];
  let at = 0;
  for (;;) {
    const start = text.indexOf(begins, at);
    const end = start < 0 ? -1 : text.indexOf(ends, start);
    if (end < 0) return [...kept, text.slice(at)].join(' ');
    kept.push(text.slice(at, start));
    at = end + ends.length;
  }
}
