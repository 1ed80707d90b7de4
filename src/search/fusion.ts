/**
 * Joins what the words and the vectors say about the candidates of a search. How much each counts
 * is decided for each query, from what its words found.
 */

import type { QueryScores } from './bm25.ts';
import type { CandidateSet } from './candidates.ts';
import { similarities } from './similarities.ts';
import { ramp, trustInWords } from './trust.ts';
import { best, neighbourScores, normalised, widenedScores } from './feedback.ts';

/**
 * Feedback needs several related texts. Below the first mean cosine of the ten best candidates with
 * each other there is one answer and what resembles it by chance, and feedback only leads away from
 * it. From the second on, they are about one thing.
 */
const AGREEMENT = [0.03, 0.05] as const;
const AGREEING = 10;
/**
 * Texts of one kind are alike whatever is asked: those of one subject, or those whose words are
 * pairs of characters. So the ten best have to be more alike than candidates are in general: so
 * many times until feedback counts at all, and until it counts fully.
 */
const MORE_ALIKE = [1.1, 1.3] as const;
/** Candidates that stand for all. */
const SAMPLE = 40;

/**
 * The part of its share that feedback keeps for a question whose vector holds no meaning, which is
 * mostly one in another language than English. There, texts are alike by function words, and the
 * forms of one word are different words: more of those that agree do so by chance.
 */
const SHARE_WITHOUT_MEANING = 0.5;

/**
 * A passage that has the whole question is an answer by itself, so that its relatives cannot lower
 * it: from the first coverage on in part, at the second not at all. Any text with the word of a
 * question of one word has the whole of it, which says nothing.
 */
const COMPLETE = [0.8, 1] as const;

/**
 * Weak vectors decide between candidates that the words find alike. Where the best of them is far
 * ahead of the sixth, there is nothing to decide: from the second lead on, they count for nothing.
 */
const DECIDED = [0.4, 0.7] as const;
const FOLLOWER = 5;

interface FusionRequest {
  set: CandidateSet;
  query: QueryScores;
  candidates: readonly { documentId?: string; cosine: number | null }[];
  statistics: { chunks: number };
  /** Weight of the vectors relative to words that are trusted (1). */
  vectorWeight: number;
  /** The share of the question's meaning that its vector holds: 0 to 1. */
  meaning: number;
}

/**
 * Returns the hybrid score of each candidate, 0 to 1. Words and vectors are added (a convex
 * combination of normalised scores, found better than reciprocal ranks by Bruch, Gai and Ingber,
 * "An analysis of fusion functions for hybrid retrieval", TOIS 2023). The sum is then mixed with
 * the mean of two refined rankings: by the query widened with terms of the best candidates, and by
 * the scores of each candidate's neighbours, which lower no passage that has the whole question.
 */
export function hybridScores(request: FusionRequest): Float64Array {
  const { set, query, candidates, vectorWeight } = request;
  const words = normalised(query.scores);
  const vectors = vectorScores(candidates);
  const trust = trustInWords({ ...request, words, vectors });
  const weight = weightOfVectors(words, { vectorWeight, trust });
  const first = normalised(sumOf([words, trust], [vectors, weight]));
  const trusted = request.meaning > 0 ? trust : trust * SHARE_WITHOUT_MEANING;
  const share = trusted * agreementOf(request, first);
  if (share === 0) return first;
  const widened = normalised(widenedScores(set, first, query.terms));
  const neighbours = normalised(neighbourScores(set, first));
  const refined = normalised(sumOf([widened, 0.5], [neighbours, 0.5]));
  const mixed = normalised(sumOf([first, 1 - share], [refined, share]));
  return query.terms.size > 1 ? keepingWhole(query, first, mixed) : mixed;
}

/** Raises the scores of passages that have the whole question to what they were. */
function keepingWhole(
  { coverage }: QueryScores,
  before: Float64Array,
  after: Float64Array,
): Float64Array {
  return after.map((score, at) => {
    const lost = Math.max(before[at]! - score, 0);
    return score + lost * ramp(coverage[at]!, COMPLETE);
  });
}

/** Returns the weight of the vectors beside words of the weight `trust`. */
function weightOfVectors(
  words: Float64Array,
  { vectorWeight, trust }: { vectorWeight: number; trust: number },
): number {
  if (vectorWeight >= 1) return vectorWeight;
  const scores = words.toSorted().reverse();
  const lead = ramp(1 - (scores[FOLLOWER] ?? 0), DECIDED);
  return trust * vectorWeight * (1 - lead) + (1 - trust);
}

/** Returns how far the best candidates are about one thing: 0 to 1. */
function agreementOf(request: FusionRequest, scores: Float64Array): number {
  const alike = likenessOf(request, best(scores, AGREEING));
  const agreement = ramp(alike, AGREEMENT);
  if (agreement === 0) return 0;
  const step = Math.ceil(scores.length / SAMPLE);
  const usual = likenessOf(
    request,
    [...scores.keys()].filter((at) => at % step === 0),
  );
  return Math.min(agreement, usual > 0 ? ramp(alike / usual, MORE_ALIKE) : 1);
}

/**
 * Returns the mean cosine of candidates with each other: 0 to 1. Chunks of one document are alike
 * whatever is asked, so that between them it counts as 0.
 */
function likenessOf({ set, candidates }: FusionRequest, chosen: readonly number[]): number {
  const bags = chosen.map((at) => set.bags[at]!);
  const similar = similarities({ ...set, bags }, [...bags.keys()]);
  let sum = 0;
  chosen.forEach((one, row) =>
    chosen.forEach((other, column) => {
      if (!areOfOneDocument(candidates, one, other)) sum += similar[row * bags.length + column]!;
    }),
  );
  return sum / (bags.length * (bags.length - 1) || 1);
}

function areOfOneDocument(
  candidates: FusionRequest['candidates'],
  one: number,
  other: number,
): boolean {
  const { documentId } = candidates[one]!;
  return (
    one === other || (documentId !== undefined && documentId === candidates[other]!.documentId)
  );
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
