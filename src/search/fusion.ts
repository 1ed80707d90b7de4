/**
 * Joins what the words and the vectors say about the candidates of a search. How much each counts
 * is decided for each query, from what its words found.
 */

import type { QueryScores } from './bm25.ts';
import { similarities, type CandidateSet } from './candidates.ts';
import { best, neighbourScores, normalised, widenedScores } from './feedback.ts';

/**
 * Words identify a chunk if the best candidate contains so much of them: a share of the query's
 * words, or their rarity relative to the logarithm of the number of chunks, which is what it takes
 * to name one of them. Below the first value they met by chance, from the second on they are
 * trusted. A word that only one chunk has gives an evidence of just below 1.
 */
const COVERAGE = [0.5, 0.75] as const;
const EVIDENCE = [0.9, 1.4] as const;

/**
 * Feedback needs several related texts. Below the first mean cosine of the ten best candidates with
 * each other there is one answer and what resembles it by chance, and feedback only leads away from
 * it. From the second on, they are about one thing.
 */
const AGREEMENT = [0.03, 0.05] as const;
const AGREEING = 10;

interface FusionRequest {
  set: CandidateSet;
  query: QueryScores;
  candidates: readonly { cosine: number | null }[];
  statistics: { chunks: number };
  /** Weight of the vectors relative to words that are trusted (1). */
  vectorWeight: number;
  /** How much of the question's meaning its vector holds: 0 to 1. */
  meaning: number;
}

/**
 * Returns the hybrid score of each candidate, 0 to 1. Words and vectors are added (a convex
 * combination of normalised scores, found better than reciprocal ranks by Bruch, Gai and Ingber,
 * "An analysis of fusion functions for hybrid retrieval", TOIS 2023). The sum is then mixed with
 * the mean of two refined rankings: by the query widened with terms of the best candidates, and by
 * the scores of each candidate's neighbours.
 */
export function hybridScores(request: FusionRequest): Float64Array {
  const { set, query, candidates, vectorWeight } = request;
  const trust = trustInWords(request);
  const weight = vectorWeight + (1 - trust) * Math.max(0, 1 - vectorWeight);
  const words = normalised(query.scores);
  const first = normalised(sumOf([words, trust], [vectorScores(candidates), weight]));
  const share = trust * ramp(agreementOf(set, first), AGREEMENT);
  if (share === 0) return first;
  const widened = normalised(widenedScores(set, first, query.terms));
  const neighbours = normalised(neighbourScores(set, first));
  const refined = normalised(sumOf([widened, 0.5], [neighbours, 0.5]));
  return normalised(sumOf([first, 1 - share], [refined, share]));
}

/** Returns how far the words may be trusted to have found what is asked for: 0 to 1. */
function trustInWords({ query, candidates, statistics, meaning }: FusionRequest): number {
  if (!candidates.some(({ cosine }) => cosine !== null)) return 1;
  const covered = query.coverage.reduce((a, b) => Math.max(a, b), 0);
  const needed = Math.log(1 + Math.max(statistics.chunks, candidates.length));
  const evidence = (covered * query.information) / needed;
  const trust = Math.max(ramp(covered, COVERAGE), ramp(evidence, EVIDENCE));
  // Where the vectors do not know what is asked either, words are all there is.
  return 1 - (1 - trust) * meaning;
}

/** Returns 0 below the first value, 1 above the second, and a straight line between them. */
function ramp(value: number, [from, to]: readonly [number, number]): number {
  return Math.max(0, Math.min(1, (value - from) / (to - from)));
}

/** Returns the mean cosine of the best candidates with each other: 0 to 1. */
function agreementOf(set: CandidateSet, scores: Float64Array): number {
  const candidates = best(scores, AGREEING);
  const bags = candidates.map((at) => set.bags[at]!);
  const similar = similarities({ ...set, bags }, [...bags.keys()]);
  const whole = similar.reduce((a, b) => a + b, 0);
  // A candidate's cosine with itself is 1, or 0 if it has no words.
  const own = bags.reduce((sum, _, at) => sum + similar[at * bags.length + at]!, 0);
  return (whole - own) / (bags.length * (bags.length - 1) || 1);
}

/** Scales cosines to 0 to 1 between the least and the greatest that the scan returned. */
function vectorScores(candidates: readonly { cosine: number | null }[]): Float64Array {
  const known = candidates.flatMap(({ cosine }) => (cosine === null ? [] : [cosine]));
  const least = known.reduce((a, b) => Math.min(a, b), Infinity);
  const range = known.reduce((a, b) => Math.max(a, b), -Infinity) - least;
  return Float64Array.from(candidates, ({ cosine }) => {
    if (cosine === null) return 0;
    return range > 0 ? (cosine - least) / range : 1;
  });
}

type Weighted = readonly [scores: Float64Array, weight: number];

function sumOf([a, weightOfA]: Weighted, [b, weightOfB]: Weighted): Float64Array {
  return a.map((value, at) => weightOfA * value + weightOfB * b[at]!);
}
