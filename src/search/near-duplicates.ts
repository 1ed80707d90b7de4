/**
 * Removes near-duplicates from ranked candidates, so that copies and versions of one chunk do not
 * fill the list.
 */

import type { CandidateSet, TermBag, Vocabulary } from './candidates.ts';

/** Broder's resemblance from which two chunks count as the same: they differ in a word or two. */
const RESEMBLANCE = 0.8;
/**
 * Most documents from which a list has the same chunk. One may be a newer version of the other, and
 * who asks which documents say something wants to see more than one.
 */
const MOST_VERSIONS = 2;
/** Words in a shingle. */
const SHINGLE = 3;

/** Returns the shingles of a chunk, each as the number that its terms are the digits of. */
function shingles({ sequence }: TermBag, { size }: Vocabulary): Set<number> {
  const result = new Set<number>();
  const last = Math.max(sequence.length - SHINGLE, 0);
  for (let at = 0; at <= last; at++) {
    let number = 0;
    // A text that is shorter than a shingle has zeros for what is missing.
    for (let next = at; next < at + SHINGLE; next++)
      number = number * (size + 1) + (next < sequence.length ? sequence[next]! + 1 : 0);
    result.add(number);
  }
  return result;
}

function resemblance(a: Set<number>, b: Set<number>): number {
  // Sets whose sizes differ this much cannot reach the resemblance.
  if (Math.min(a.size, b.size) < RESEMBLANCE * Math.max(a.size, b.size)) return 0;
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

/** Returns the function, which then computes the value of a number once. */
function remembering<Value>(compute: (at: number) => Value): (at: number) => Value {
  const known = new Map<number, Value>();
  return (at) => {
    let value = known.get(at);
    if (value === undefined) known.set(at, (value = compute(at)));
    return value;
  };
}

/**
 * Returns the ranked candidates (`order`: indexes, best first) without those that repeat a better
 * one of their document, or two of other documents: Broder, "On the resemblance and containment of
 * documents", 1997. Of two versions the newer takes the better place. Two chunks with different
 * words of the query (say, the numbers of two invoices) never count as the same. Stops when `limit`
 * are kept.
 */
export function withoutDuplicates(options: {
  set: CandidateSet;
  order: number[];
  queryTerms: ReadonlySet<number>;
  /** The document of each candidate, and the id of its chunk, which grows with time. */
  candidates: readonly { documentId?: string; id?: number }[];
  limit: number;
}): number[] {
  const { set, order, queryTerms, candidates, limit } = options;
  const matchedBy = remembering((at) => matched(set.bags[at]!, queryTerms));
  const shinglesOf = remembering((at) => shingles(set.bags[at]!, set.vocabulary));
  const likeness = (a: number, b: number): number =>
    matchedBy(a) === matchedBy(b) ? resemblance(shinglesOf(a), shinglesOf(b)) : 0;
  const kept: number[] = [];
  for (const at of order) {
    if (kept.length >= limit) break;
    const alike = kept.filter((better) => likeness(at, better) >= RESEMBLANCE);
    const { documentId, id = 0 } = candidates[at]!;
    const isRepetition = alike.some((better) => candidates[better]!.documentId === documentId);
    if (isRepetition || alike.length >= MOST_VERSIONS) continue;
    const place = kept.findIndex(
      (better) => better === alike[0] && (candidates[better]!.id ?? 0) < id,
    );
    if (place < 0) kept.push(at);
    else kept.push(...kept.splice(place, 1, at));
  }
  return kept;
}
