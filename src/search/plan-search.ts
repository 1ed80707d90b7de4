/** One search as statements of a batch and what to make of their results: one round trip. */

import { headingLineOf } from '../core/document.ts';
import {
  selectCandidates,
  selectFrequencies,
  type Candidate,
  type Frequencies,
} from '../store/search/candidates.ts';
import type { TypedStatement } from '../store/query.ts';
import type { DocumentScope, Space } from '../store/search/scope.ts';
import { keywordQuery, quoted } from './fts-query.ts';
import { rankCandidates, type RetrievalMode } from './rank.ts';
import { termOf } from '../text/words.ts';

/**
 * Candidates of each kind, for k results: enough for feedback to find relatives, few enough that
 * their texts are quickly read. More than twice `k` brings nothing up to place `k`.
 */
const FEWEST_CANDIDATES = 100;
const CANDIDATES_PER_RESULT = 2;

export interface SearchRequest extends DocumentScope {
  /** Finds only documents of this space; without one, those of any. */
  space?: Space | undefined;
  query: string;
  /** Results at most. */
  k: number;
  mode: RetrievalMode;
  /** The query's embedding in the space of the stored vectors; not needed in keyword mode. */
  vector: readonly number[] | null;
  /** What the embedding model is worth beside the words: `OFFLINE_VECTOR_WEIGHT` or `MODEL_VECTOR_WEIGHT`. */
  vectorWeight: number;
}

/** The offline embedder knows little that the words do not: it finds candidates and breaks ties. */
export const OFFLINE_VECTOR_WEIGHT = 0.1;
/** A learned model is worth as much as the words. */
export const MODEL_VECTOR_WEIGHT = 1;

export interface SearchResult extends Candidate {
  score: number;
  coverage: number;
}

export interface SearchPlan {
  /** Reads alone; to be run in one batch, alone or with others. */
  statements: [TypedStatement<Candidate[]>, TypedStatement<Frequencies>];
  /** Ranks what the statements gave: the results, best first. */
  rank(candidates: Candidate[], frequencies: Frequencies): SearchResult[];
}

/** Plans a search. Never fails on what the query says; one without words finds by vector or nothing. */
export function planSearch(request: SearchRequest): SearchPlan {
  const { mode, k, vectorWeight } = request;
  const query = keywordQuery(request.query);
  const limit = Math.max(FEWEST_CANDIDATES, CANDIDATES_PER_RESULT * k);
  const candidates = selectCandidates({
    ...request,
    match: mode === 'vector' ? null : query.match,
    vector: mode === 'keyword' ? null : request.vector,
    keywordLimit: limit,
    vectorLimit: limit,
  });
  // A scan by vector alone is ordered by cosine; for coverage the candidates' own counts will do.
  const counted = mode === 'vector' ? [] : query.words;
  const frequencies = selectFrequencies(request.userId, counted.map(quoted));
  return {
    statements: [candidates, frequencies],
    rank(found, statistics) {
      const ranked = rankCandidates({
        mode,
        vectorWeight,
        limit: k,
        terms: query.terms,
        // Ranked by the whole heading line, told by the document's title.
        candidates: found.map((row) => ({ row, ...row, title: headingLineOf(row) })),
        statistics: {
          chunks: statistics.chunks,
          frequencies: new Map(
            counted.map((word, at) => [termOf(word), statistics.frequencies[at] ?? 0]),
          ),
        },
      });
      return ranked.map(({ candidate, ...rank }) => ({ ...candidate.row, ...rank }));
    },
  };
}
