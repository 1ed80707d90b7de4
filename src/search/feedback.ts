/**
 * Refines a first ranking without another query: by the terms of the best candidates, and by the
 * scores of each candidate's nearest neighbours.
 */

import type { CandidateSet } from './candidates.ts';
import { Best } from './memory/best.ts';
import { similarities } from './similarities.ts';

/**
 * Rocchio's usual settings: the best ten chunks, their forty heaviest terms, and about the weight
 * of the query.
 */
const FEEDBACK_CHUNKS = 10;
const FEEDBACK_TERMS = 40;
const FEEDBACK_WEIGHT = 1.3;
/**
 * A chunk is weighted by the cube of its score, so that where few are far ahead, the rest has
 * little influence. A relevance model's probabilities fall as steeply (Lavrenko and Croft, SIGIR
 * 2001).
 */
const FEEDBACK_STEEPNESS = 3;

/** Number of neighbours, and their share of a candidate's score. */
const NEIGHBOURS = 5;
const NEIGHBOUR_SHARE = 0.75;
/** Neighbours are searched among this many best candidates; matches further down are accidental. */
const NEIGHBOURHOOD = 150;

/** Divides all scores by the largest, so that scores of different kinds can be added. */
export function normalised(scores: Float64Array): Float64Array {
  const most = scores.reduce((a, b) => Math.max(a, b), 0);
  return most > 0 ? scores.map((score) => score / most) : scores;
}

/** Returns the indexes of the greatest scores, the greatest first. */
export function best(scores: Float64Array, count: number): number[] {
  const kept = new Best(count);
  for (let at = 0; at < scores.length; at++) kept.add(at, scores[at]!);
  return kept.sorted().map(({ place }) => place);
}

function feedbackTerms(set: CandidateSet, scores: Float64Array): Map<number, number> {
  const sums = new Float64Array(set.vocabulary.size);
  for (const at of best(scores, FEEDBACK_CHUNKS)) {
    const bag = set.bags[at]!;
    const share = scores[at]! ** FEEDBACK_STEEPNESS / bag.norm;
    const { terms, weights } = bag;
    for (let place = 0; place < terms.length; place++)
      sums[terms[place]!]! += share * weights[place]!;
  }
  const heaviest = best(sums, FEEDBACK_TERMS);
  const length = Math.hypot(...heaviest.map((term) => sums[term]!)) || 1;
  return new Map(heaviest.map((term) => [term, (FEEDBACK_WEIGHT * sums[term]!) / length]));
}

/**
 * Scores candidates by the query and the terms of the best candidates (Rocchio, "Relevance feedback
 * in information retrieval", 1971; used blindly as in Buckley et al., TREC-3, 1994).
 */
export function widenedScores(
  set: CandidateSet,
  scores: Float64Array,
  queryTerms: ReadonlySet<number>,
): Float64Array {
  const wanted = new Float64Array(set.vocabulary.size);
  for (const term of queryTerms) wanted[term]! += 1 / Math.sqrt(queryTerms.size);
  for (const [term, weight] of feedbackTerms(set, scores)) wanted[term]! += weight;
  return Float64Array.from(set.bags, (bag) => {
    let sum = 0;
    for (let at = 0; at < bag.terms.length; at++) sum += wanted[bag.terms[at]!]! * bag.weights[at]!;
    return sum;
  });
}

/**
 * Returns the columns of the `NEIGHBOURS` greatest values of a row, except `self`, without sorting
 * the whole row.
 */
function nearest(row: Float32Array, self: number): number[] {
  const kept: number[] = [];
  for (let other = 0; other < row.length; other++) {
    if (other === self) continue;
    if (kept.length === NEIGHBOURS && row[other]! <= row[kept[NEIGHBOURS - 1]!]!) continue;
    let place = kept.length;
    while (place > 0 && row[kept[place - 1]!]! < row[other]!) place--;
    kept.splice(place, 0, other);
    if (kept.length > NEIGHBOURS) kept.pop();
  }
  return kept;
}

/**
 * Moves scores towards those of the most similar among the best candidates: closely related chunks
 * tend to answer the same questions (Diaz, "Regularizing ad hoc retrieval scores", CIKM 2005).
 */
export function neighbourScores(set: CandidateSet, scores: Float64Array): Float64Array {
  const columns = best(scores, NEIGHBOURHOOD);
  const columnOf = new Map(columns.map((at, column) => [at, column]));
  const similar = similarities(set, columns);
  return scores.map((score, at) => {
    const row = similar.subarray(at * columns.length, (at + 1) * columns.length);
    let weights = 0;
    let sum = 0;
    for (const column of nearest(row, columnOf.get(at) ?? -1)) {
      weights += row[column]!;
      sum += row[column]! * scores[columns[column]!]!;
    }
    return (1 - NEIGHBOUR_SHARE) * score + (NEIGHBOUR_SHARE * sum) / (weights || 1);
  });
}
