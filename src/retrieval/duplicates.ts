/** Near-duplicates among ranked candidates: the same chunk must not fill the list. */

import type { CandidateSet, TermBag } from './candidates.ts';

/**
 * Spares most pairs the comparison of shingles. Low, because one rare word pulls the cosine of two
 * texts down that are else the same.
 */
const COSINE_FLOOR = 0.3;
/** Broder's resemblance from which two chunks are the same one, a word or two apart. */
const RESEMBLANCE = 0.8;
/** Words in a shingle. */
const SHINGLE = 3;

function shingles(sequence: Int32Array): Set<string> {
  const result = new Set<string>();
  const last = Math.max(sequence.length - SHINGLE, 0);
  for (let at = 0; at <= last; at++) result.add(sequence.subarray(at, at + SHINGLE).join(' '));
  return result;
}

function resemblance(a: Set<string>, b: Set<string>): number {
  let shared = 0;
  for (const shingle of a) if (b.has(shingle)) shared++;
  return shared / (a.size + b.size - shared || 1);
}

function matched(bag: TermBag, queryTerms: ReadonlySet<number>): string {
  return [...bag.terms]
    .filter((term) => queryTerms.has(term))
    .sort((a, b) => a - b)
    .join(' ');
}

/**
 * The ranked candidates (`order`: indexes, best first) without those that repeat a better one:
 * Broder, "On the resemblance and containment of documents", 1997. Two chunks that hold
 * different words of the query (say, the numbers of two invoices) never count as the same.
 * Stops when `limit` are kept.
 */
export function withoutDuplicates(options: {
  set: CandidateSet;
  similar: Float32Array;
  order: number[];
  queryTerms: ReadonlySet<number>;
  limit: number;
}): number[] {
  const { set, similar, order, queryTerms, limit } = options;
  const size = set.bags.length;
  const cache = new Map<number, Set<string>>();
  const shinglesOf = (at: number): Set<string> => {
    let result = cache.get(at);
    if (!result) cache.set(at, (result = shingles(set.bags[at]!.sequence)));
    return result;
  };
  const same = (a: number, b: number): boolean =>
    similar[a * size + b]! >= COSINE_FLOOR &&
    matched(set.bags[a]!, queryTerms) === matched(set.bags[b]!, queryTerms) &&
    resemblance(shinglesOf(a), shinglesOf(b)) >= RESEMBLANCE;
  const kept: number[] = [];
  for (const at of order) {
    if (kept.length >= limit) break;
    if (!kept.some((better) => same(at, better))) kept.push(at);
  }
  return kept;
}
