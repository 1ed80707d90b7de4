/** One search as statements of a batch and what to make of their results: one round trip. */

import { headingLineOf } from '../core/document.ts';
import {
  candidateRows,
  candidateStatement,
  frequencyRows,
  frequencyStatement,
  type CandidateRow,
  type SearchScope,
} from '../store/search/candidates.ts';
import type { ResultSet, Statement } from '../store/database.ts';
import { keywordQuery, quoted } from './fts-query.ts';
import { rankCandidates, type RetrievalMode } from './rank.ts';
import { termOf } from '../text/words.ts';

/**
 * Candidates of each kind, for k results: enough for feedback to find relatives, few enough that
 * their texts are quickly read. More than twice `k` brings nothing up to place `k`.
 */
const FEWEST_CANDIDATES = 100;
const CANDIDATES_PER_RESULT = 2;

export interface SearchRequest extends SearchScope {
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

export interface SearchResult extends CandidateRow {
  score: number;
  coverage: number;
}

export interface SearchPlan {
  /** Reads alone; to be run in one batch, alone or with others. */
  statements: Statement[];
  /** The results, best first, from the results of exactly `statements`. */
  results(sets: ResultSet[]): SearchResult[];
}

/** Plans a search. Never fails on what the query says; one without words finds by vector or nothing. */
export function planSearch(request: SearchRequest): SearchPlan {
  const { mode, k, vectorWeight } = request;
  const query = keywordQuery(request.query);
  const limit = Math.max(FEWEST_CANDIDATES, CANDIDATES_PER_RESULT * k);
  const candidates = candidateStatement({
    ...request,
    match: mode === 'vector' ? null : query.match,
    vector: mode === 'keyword' ? null : request.vector,
    keywordLimit: limit,
    vectorLimit: limit,
  });
  // A scan by vector alone is ordered by cosine; for coverage the candidates' own counts will do.
  const counted = mode === 'vector' ? [] : query.words;
  const frequencies = frequencyStatement(request.userId, counted.map(quoted));
  return {
    statements: [candidates, frequencies],
    results([found, counts]) {
      if (!found || !counts) throw new TypeError('a search needs the results of both statements');
      const statistics = frequencyRows(counts);
      const ranked = rankCandidates({
        mode,
        vectorWeight,
        limit: k,
        terms: query.terms,
        candidates: candidateRows(found).map((row) => ({ ...row, title: headingLineOf(row) })),
        statistics: {
          chunks: statistics.chunks,
          frequencies: new Map(
            counted.map((word, at) => [termOf(word), statistics.frequencies[at] ?? 0]),
          ),
        },
      });
      return ranked.map(({ candidate, score, coverage }) => ({ ...candidate, score, coverage }));
    },
  };
}
