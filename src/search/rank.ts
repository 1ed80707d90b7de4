/** Ranks the candidates of the keyword index and the vector scan in one list. Pure. */

import { candidateSet, type CandidateText, type CollectionStatistics } from './candidates.ts';
import { withoutDuplicates } from './near-duplicates.ts';
import { normalised } from './feedback.ts';
import { hybridScores } from './fusion.ts';
import { queryScores, type QueryTerms } from './bm25.ts';

export const RETRIEVAL_MODES = ['hybrid', 'vector', 'keyword'] as const;
export type RetrievalMode = (typeof RETRIEVAL_MODES)[number];

export interface Candidate extends CandidateText {
  /** The chunk's id, which grows with time. */
  id?: number;
  /** Versions of one text in several documents are shown beside each other. */
  documentId?: string;
  /** Rank in the keyword index's own order, from 1; null if the index did not find the chunk. */
  keywordRank: number | null;
  /** Rank in the vector scan's order, from 1; null if the scan did not return the chunk. */
  vectorRank: number | null;
  /** Cosine of query and chunk, −1 to 1; null like `vectorRank`. */
  cosine: number | null;
}

export interface RankRequest<C extends Candidate> {
  mode: RetrievalMode;
  /** The stems of the query (`keywordQuery(text).terms`). */
  terms: QueryTerms;
  candidates: C[];
  statistics: CollectionStatistics;
  /**
   * Weight of the cosine relative to the words' score (1), by the quality of the embedding model.
   */
  vectorWeight: number;
  /** The share of the question's meaning that its vector holds: 0 to 1; 1 where it is left out. */
  meaning?: number;
  limit: number;
}

export interface Ranked<C extends Candidate> {
  candidate: C;
  /** Descends along the list: 0 to 1 in hybrid and keyword mode, a cosine in vector mode. */
  score: number;
  /** Share of the query's words, weighted by rarity, that the chunk contains: 0 to 1. */
  coverage: number;
}

/** Returns the rank that breaks ties: that of the index or the scan. */
function rankOf({ keywordRank, vectorRank }: Candidate): number {
  return Math.min(keywordRank ?? Infinity, vectorRank ?? Infinity);
}

/**
 * Ranks candidates and leaves out near-duplicates.
 *
 * `vector` keeps the order of the scan. `keyword` orders the index's results by the owner's own
 * statistics, because the index only knows those of all users together. `hybrid` joins words and
 * vectors (`fusion.ts`).
 */
export function rankCandidates<C extends Candidate>(request: RankRequest<C>): Ranked<C>[] {
  const { mode, candidates, limit } = request;
  if (candidates.length === 0) return [];
  const set = candidateSet(candidates, request.statistics);
  const query = queryScores(set, request.terms);
  let scores: Float64Array;
  if (mode === 'vector') {
    scores = Float64Array.from(candidates, ({ cosine }) => cosine ?? -1);
  } else if (mode === 'keyword') {
    scores = normalised(query.scores);
  } else {
    scores = hybridScores({ ...request, meaning: request.meaning ?? 1, set, query });
  }
  const order = [...candidates.keys()].sort(
    (a, b) => scores[b]! - scores[a]! || rankOf(candidates[a]!) - rankOf(candidates[b]!),
  );
  const kept = withoutDuplicates({
    set,
    order,
    queryTerms: query.terms,
    candidates,
    limit,
  });
  // A newer version has the place of an older one, and its score.
  const descending = Float64Array.from(kept, (at) => scores[at]!)
    .sort()
    .reverse();
  return kept.map((at, place) => ({
    candidate: candidates[at]!,
    score: descending[place]!,
    coverage: query.coverage[at]!,
  }));
}
