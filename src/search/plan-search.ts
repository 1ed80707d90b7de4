/** Plans a search as the statements of one batch (a single round trip), and ranks their results. */

import { headingLineOf } from '../core/document.ts';
import {
  selectCandidates,
  selectFrequencies,
  type Candidate,
  type Frequencies,
} from '../store/search/candidates.ts';
import type { TypedStatement } from '../store/query.ts';
import type { DocumentScope, Space } from '../store/search/scope.ts';
import type { MatchedLanguage } from '../text/languages.ts';
import { keywordQuery, quoted } from './fts-query.ts';
import { rankCandidates, type RetrievalMode } from './rank.ts';
import { pooled } from './word-forms.ts';
import { termOf } from '../text/words.ts';

/**
 * Candidates of each kind for k results: enough for feedback to find related chunks, few enough to
 * read their texts quickly. More of them are worse: with 200 instead of 100, Cranfield loses 0.004.
 */
const FEWEST_CANDIDATES = 100;
const CANDIDATES_PER_RESULT = 1.25;

/** Returns the number of candidates of each kind for `k` results. */
export function candidatesFor(k: number): number {
  return Math.max(FEWEST_CANDIDATES, Math.ceil(CANDIDATES_PER_RESULT * k));
}

export interface SearchRequest extends DocumentScope {
  /** Finds only documents of this space, or of any space if it is left out. */
  space?: Space | undefined;
  query: string;
  /** The languages of the library, which are loaded. */
  languages?: readonly MatchedLanguage[] | undefined;
  /** Most results. */
  k: number;
  mode: RetrievalMode;
  /** The query's embedding in the space of the stored vectors; not needed in keyword mode. */
  vector: readonly number[] | null;
  /**
   * Weight of the vectors relative to the words: `OFFLINE_VECTOR_WEIGHT` or `MODEL_VECTOR_WEIGHT`.
   */
  vectorWeight: number;
  /** The share of the question's meaning that its vector holds: 0 to 1; 1 where it is left out. */
  meaning?: number;
}

/** The offline embedder adds little to the words: it finds candidates and breaks ties. */
export const OFFLINE_VECTOR_WEIGHT = 0.1;
/** A learned model has the same weight as the words. */
export const MODEL_VECTOR_WEIGHT = 1;

export interface SearchResult extends Candidate {
  score: number;
  coverage: number;
}

export interface SearchPlan {
  /** Read-only statements, to be run in one batch, alone or with others. */
  statements: [TypedStatement<Candidate[]>, TypedStatement<Frequencies>];
  /** Ranks the results of the statements, best first. */
  rank(candidates: Candidate[], frequencies: Frequencies): SearchResult[];
}

function toRank(row: Candidate) {
  const { id, documentId, language, text, keywordRank, vectorRank, cosine } = row;
  const title = headingLineOf(row);
  return { row, id, documentId, language, title, text, keywordRank, vectorRank, cosine };
}

/**
 * Plans a search. It never fails because of the query's text; without words it searches by vector,
 * or finds nothing.
 */
export function planSearch(request: SearchRequest): SearchPlan {
  const { mode, k, vectorWeight } = request;
  const query = keywordQuery(request.query, request.languages);
  const limit = candidatesFor(k);
  const candidates = selectCandidates({
    ...request,
    match: mode === 'vector' ? null : query.match,
    vector: mode === 'keyword' ? null : request.vector,
    keywordLimit: limit,
    vectorLimit: limit,
  });
  // A vector scan is ordered by cosine; for coverage the candidates' own counts suffice.
  const counted = mode === 'vector' ? [] : query.words;
  const frequencies = selectFrequencies(request.userId, counted.map(quoted));
  return {
    statements: [candidates, frequencies],
    rank(found, statistics) {
      const ranked = rankCandidates({
        mode,
        vectorWeight,
        meaning: request.meaning ?? 1,
        limit: k,
        terms: query.terms,
        // Ranking uses the whole heading line; results show the document's title.
        candidates: found.map(toRank),
        statistics: {
          chunks: statistics.chunks,
          frequencies: pooled(
            new Map(counted.map((word, at) => [termOf(word), statistics.frequencies[at] ?? 0])),
            query.sameWords,
          ),
        },
      });
      return ranked.map(({ candidate, ...rank }) => ({ ...candidate.row, ...rank }));
    },
  };
}
