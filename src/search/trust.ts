/**
 * Decides for each query how far its words may be trusted to have found what is asked for. Words
 * that are met by chance are recognised by four things: how much of the question the best candidate
 * contains, how rare that is, whether the vectors find that candidate too, and whether the nearest
 * by vectors have any of the words.
 */

import type { QueryScores } from './bm25.ts';
import { best } from './feedback.ts';

/**
 * Words identify a chunk if the best candidate contains so much of them: a share of the query's
 * words, or their rarity relative to the logarithm of the number of chunks, which is what it takes
 * to name one of them. Below the first value they met by chance, from the second on they are
 * trusted. A word that only one chunk has gives an evidence of just below 1.
 */
const COVERAGE = [0.5, 0.75] as const;
const EVIDENCE = [0.9, 1.4] as const;

/**
 * Limits of doubt: if the vectors point to few candidates, and the best by words is not among
 * these, its words are doubted: below the first score by vectors wholly, from the second on not at
 * all. The vectors point to few candidates if the first cosine is so far ahead of the sixth. In a
 * library of texts about one subject that is about 0.05; for a question with one answer 0.12.
 */
const SUPPORT = [0.5, 0.9] as const;
const LEAD = [0.06, 0.12] as const;
const FOLLOWER = 5;
/**
 * Some words of a question are met in any library. Where the vectors point to few candidates, and
 * these have none of the words, the words have to be nearly all of the question, or to name a chunk
 * clearly. The nearest must have none, and the five nearest hardly any: half of the words on
 * average is as much as all.
 */
const NEARLY_ALL = [0.75, 1] as const;
const NEAREST = 5;
const OF_AVERAGE = 2;
/** The part of the trust in words that vectors can take: they err, too. */
const MOST_DOUBT = 0.8;
/** From the second evidence on, words name a chunk so clearly that vectors cannot raise doubts. */
const CERTAINTY = [1.2, 1.6] as const;
/**
 * The share of the question's words that vectors have to know before they may stand in for them. A
 * question in another language has some words that look English, and a name that nobody knows may
 * be what is asked for.
 */
const KNOWN = [0.7, 1] as const;

interface Findings {
  query: QueryScores;
  candidates: readonly { cosine: number | null }[];
  statistics: { chunks: number };
  /** The score of each candidate by words and by vectors, 0 to 1. */
  words: Float64Array;
  vectors: Float64Array;
  /** The share of the question's meaning that its vector holds: 0 to 1. */
  meaning: number;
}

/** Returns how far the words may be trusted: 0 to 1. */
export function trustInWords(findings: Findings): number {
  const { query, candidates, statistics, meaning } = findings;
  if (!candidates.some(({ cosine }) => cosine !== null)) return 1;
  const covered = query.coverage.reduce((a, b) => Math.max(a, b), 0);
  if (covered === 0) return 0;
  const needed = Math.log(1 + Math.max(statistics.chunks, candidates.length));
  const evidence = query.evidence / needed;
  const pointing = ramp(leadOf(candidates), LEAD);
  const some = Math.max(ramp(covered, COVERAGE), ramp(evidence, EVIDENCE));
  const most = Math.max(ramp(covered, NEARLY_ALL), ramp(evidence, CERTAINTY));
  const apart = pointing * distanceOfNearest(findings, covered);
  const found = some - apart * Math.max(some - most, 0);
  const doubt = MOST_DOUBT * pointing * distanceOfFirst(findings);
  const trust = Math.max(found * (1 - doubt), ramp(evidence, CERTAINTY));
  // Where the vectors do not know what is asked either, words are all there is.
  return 1 - (1 - trust) * ramp(meaning, KNOWN);
}

/** Returns how far the first cosine is ahead of the sixth. */
function leadOf(candidates: Findings['candidates']): number {
  const cosines = candidates.flatMap(({ cosine }) => (cosine === null ? [] : [cosine]));
  cosines.sort((a, b) => b - a);
  return cosines[0]! - cosines[Math.min(FOLLOWER, cosines.length - 1)]!;
}

/** Returns how far the best candidate by words is from the vectors' best: 0 to 1. */
function distanceOfFirst({ words, vectors }: Findings): number {
  const first = words.reduce((most, score, at) => (score > words[most]! ? at : most), 0);
  return 1 - ramp(vectors[first] ?? 0, SUPPORT);
}

/** Returns how little the vectors' best candidates have of what the words found: 0 to 1. */
function distanceOfNearest({ query, vectors }: Findings, covered: number): number {
  const shares = best(vectors, NEAREST).map((at) => query.coverage[at]! / covered);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  return Math.max(0, 1 - Math.max(shares[0]!, OF_AVERAGE * mean));
}

/** Returns 0 below the first value, 1 above the second, and a straight line between them. */
export function ramp(value: number, [from, to]: readonly [number, number]): number {
  return Math.max(0, Math.min(1, (value - from) / (to - from)));
}
