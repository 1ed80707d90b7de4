/** Scores how well each candidate matches the query's words: BM25, and how close the words are. */

import type { MatchedLanguage } from '../text/languages.ts';
import { SATURATION, saturated, type CandidateSet, type TermBag } from './candidates.ts';

/**
 * Weights of adjacent and of near pairs relative to single words: half of the 0.85, 0.10 and 0.05
 * of Metzler and Croft, "A Markov random field model for term dependencies", SIGIR 2005. A pair
 * that is adjacent is also near, and BM25 has already counted its words.
 */
const ADJACENT = 0.1 / 0.85 / 2;
const NEAR = 0.05 / 0.85 / 2;
/** Most words between the two of a near pair, as in the same paper. */
const WINDOW = 8;

type Pair = readonly [first: number, second: number];

function neighbours(terms: number[]): Pair[] {
  const pairs: Pair[] = [];
  for (let at = 0; at + 1 < terms.length; at++) {
    const [first, second] = [terms[at]!, terms[at + 1]!];
    if (first >= 0 && second >= 0 && first !== second) pairs.push([first, second]);
  }
  return pairs;
}

/** Returns the positions of the query's terms in a chunk, by the places that the terms have. */
function positions({ sequence }: TermBag, { places, wanted }: Asked): number[][] {
  const result: number[][] = Array.from(wanted, () => []);
  for (let at = 0; at < sequence.length; at++) {
    const place = places[sequence[at]!]!;
    if (place > 0) result[place - 1]!.push(at);
  }
  return result;
}

/** Counts how often each term occurs. */
function counted(terms: Iterable<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}

/**
 * Counts the adjacent and the near pairs of two ascending lists with a sliding window. The time is
 * linear in the lengths of the lists and in the number of near pairs.
 */
function countNear(first: number[], second: number[]): { adjacent: number; near: number } {
  let adjacent = 0;
  let near = 0;
  let from = 0;
  for (const at of first) {
    while (from < second.length && second[from]! <= at - WINDOW) from++;
    for (let index = from; index < second.length && second[index]! < at + WINDOW; index++) {
      near++;
      if (second[index] === at + 1) adjacent++;
    }
  }
  return { adjacent, near };
}

function pairScore(bag: TermBag, asked: Asked, rarity: Float64Array): number {
  if (asked.pairs.length === 0) return 0;
  const found = positions(bag, asked);
  let score = 0;
  for (const [first, second] of asked.pairs) {
    const [a, b] = [found[asked.places[first]! - 1]!, found[asked.places[second]! - 1]!];
    if (a.length === 0 || b.length === 0) continue;
    const { adjacent, near } = countNear(a, b);
    const weight = (rarity[first]! + rarity[second]!) / 2;
    score += ADJACENT * weight * saturated(adjacent, bag.saturation);
    score += NEAR * weight * saturated(near, bag.saturation);
  }
  return score;
}

/**
 * The stems of a query in order, with repetitions, in each language of the library; those under
 * undefined are for all texts whose language is not among the others.
 */
export type QueryTerms = ReadonlyMap<MatchedLanguage | undefined, readonly string[]>;

export interface QueryScores {
  /** One score for each candidate, never negative. */
  scores: Float64Array;
  /** Share of the query's terms, weighted by rarity, that the candidate contains: 0 to 1. */
  coverage: Float64Array;
  /** The most rarity of query terms together that a candidate contains, in nats. */
  evidence: number;
  /** The query's distinct terms that occur in any candidate, as vocabulary indexes. */
  terms: Set<number>;
}

/** A query in one language, as it is compared with the candidates of that language. */
interface Asked {
  wanted: Set<number>;
  /** The place of each term of the vocabulary among those that are wanted, from 1; 0 for none. */
  places: Uint16Array;
  pairs: Pair[];
  /** The factor by which each wanted term counts, by its place. */
  factors: Float64Array;
  /** The rarity of all its terms together. */
  total: number;
}

/**
 * Scores every candidate by the query's terms in its language. A repeated term counts for more, and
 * saturates as it does in a chunk: BM25's factor for long queries.
 */
export function queryScores(set: CandidateSet, terms: QueryTerms): QueryScores {
  const asked = new Map([...terms].map(([language, list]) => [language, askedFor(set, list)]));
  const scores = new Float64Array(set.bags.length);
  const coverage = new Float64Array(set.bags.length);
  let evidence = 0;
  set.bags.forEach((bag, at) => {
    const query = asked.get(bag.language) ?? asked.get(undefined);
    if (!query) return;
    const { terms, weights } = bag;
    for (let index = 0; index < terms.length; index++) {
      const term = terms[index]!;
      const place = query.places[term]!;
      if (place === 0) continue;
      scores[at]! += weights[index]! * query.factors[place - 1]!;
      coverage[at]! += set.rarity[term]! / query.total;
    }
    evidence = Math.max(evidence, coverage[at]! * query.total);
    scores[at]! += pairScore(bag, query, set.rarity);
  });
  const wanted = new Set([...asked.values()].flatMap((query) => [...query.wanted]));
  return { scores, coverage, evidence, terms: wanted };
}

function askedFor(set: CandidateSet, terms: readonly string[]): Asked {
  const order = terms.map((term) => set.vocabulary.get(term) ?? -1);
  const wanted = new Set(order.filter((index) => index >= 0));
  // A term that no candidate contains is at least as rare as the rarest that one contains.
  const missing = new Set(terms.filter((term) => set.vocabulary.get(term) === undefined)).size;
  let known = 0;
  let rarest = 0;
  for (const term of wanted) {
    known += set.rarity[term]!;
    rarest = Math.max(rarest, set.rarity[term]!);
  }
  const total = known + missing * (rarest || 1);
  const places = new Uint16Array(set.vocabulary.size);
  [...wanted].forEach((term, at) => (places[term] = at + 1));
  const counts = counted(order);
  const factors = Float64Array.from(wanted, (term) => saturated(counts.get(term) ?? 1, SATURATION));
  return { wanted, places, pairs: neighbours(order), factors, total };
}
