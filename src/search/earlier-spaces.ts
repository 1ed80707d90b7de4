/**
 * Searches documents whose vectors are of another space than the configured model's. Those of an
 * earlier version of the offline model are found by that version, until `npm run reindex` has moved
 * them; those of any other model are refused, since a list without them would be wrong.
 */
import { ParleyError } from '../core/errors.ts';
import type { EmbeddingRegistry } from '../models/embeddings/registry.ts';
import { HASHED_EMBEDDER } from '../models/offline/local-embedders.ts';
import type { Candidate } from '../store/search/candidates.ts';
import type { Database } from '../store/database.ts';
import { batch } from '../store/query.ts';
import type { MatchedLanguage } from '../text/languages.ts';
import type { KnownSpace, Space } from '../store/search/scope.ts';
import { embedQuery } from './embed-query.ts';
import { OFFLINE_VECTOR_WEIGHT, planSearch } from './plan-search.ts';
import type { Question, RetrievalRequest } from './retrieve.ts';

/** A vector and its space. */
export interface Embedded {
  vector: number[];
  space: Space;
}

/** Returns a question's vectors in the earlier spaces of the offline model, if it is configured. */
export async function earlierVectors(
  query: string,
  embeddings: EmbeddingRegistry,
): Promise<Embedded[]> {
  if (!embeddings.configured.isLocal) return [];
  const embedder = embeddings.resolve(HASHED_EMBEDDER);
  if (embedder === embeddings.configured) return [];
  const { vector } = await embedQuery(query, embedder, {});
  return vector ? [{ vector, space: { model: embedder.name, dimension: vector.length } }] : [];
}

/**
 * Returns the question's vectors in those of the spaces that it was not searched in yet.
 * @param spaces the spaces of the documents in scope
 * @throws ParleyError `embedding_space_mismatch` when it has no vector in one of them
 */
export function vectorsForOthers(question: Question, spaces: readonly KnownSpace[]): Embedded[] {
  const { space } = question;
  if (!space) return [];
  const others = spaces.filter(isKnown).filter((other) => !isSame(other, space));
  return others.map((other) => {
    const known = question.earlier.find((embedded) => isSame(embedded.space, other));
    if (!known) throw mismatch(other, space);
    return known;
  });
}

interface EarlierSearch {
  question: Question;
  request: RetrievalRequest;
  /** The spaces of the documents in scope. */
  spaces: readonly KnownSpace[];
  /** The languages of the library. */
  languages: readonly MatchedLanguage[];
  db: Database;
}

/**
 * Returns the candidates of the other spaces, one list for each.
 * @throws ParleyError `embedding_space_mismatch` when one of them is not of the offline model
 */
export function searchEarlierSpaces(search: EarlierSearch): Promise<Candidate[][]> {
  const { question, request, spaces, languages, db } = search;
  return Promise.all(
    vectorsForOthers(question, spaces).map(async ({ vector, space }) => {
      const vectorWeight = OFFLINE_VECTOR_WEIGHT;
      const plan = planSearch({
        ...{ ...request, ...question, vector, space, vectorWeight, languages },
      });
      const [candidates] = await batch(db, plan.statements, 'read');
      return candidates;
    }),
  );
}

function isKnown(space: KnownSpace): space is Space {
  return space.model !== null && space.dimension !== null;
}

function isSame(a: Space, b: Space): boolean {
  return a.model === b.model && a.dimension === b.dimension;
}

function mismatch(other: Space, { model, dimension }: Space): ParleyError {
  return new ParleyError({
    code: 'embedding_space_mismatch',
    detail:
      `Documents were embedded by ${other.model} (${other.dimension} dimensions), questions are embedded by ${model} (${dimension}): ` +
      `run \`npm run reindex\`, or set EMBEDDING_MODEL back; keyword mode works meanwhile`,
  });
}

/**
 * Joins the candidates of several spaces. Cosines of different spaces say nothing about each other,
 * so those of the others are stretched to the range of the first.
 */
export function joined(first: Candidate[], others: readonly Candidate[][]): Candidate[] {
  const range = rangeOf(first);
  return [first, ...others.map((list) => stretched(list, range))].flat();
}

type Range = readonly [least: number, greatest: number];

function rangeOf(candidates: readonly Candidate[]): Range | undefined {
  const known = candidates.flatMap(({ cosine }) => (cosine === null ? [] : [cosine]));
  if (known.length === 0) return undefined;
  return [Math.min(...known), Math.max(...known)];
}

function stretched(candidates: Candidate[], target: Range | undefined): Candidate[] {
  const own = rangeOf(candidates);
  if (!own || !target) return candidates;
  const factor = own[1] > own[0] ? (target[1] - target[0]) / (own[1] - own[0]) : 0;
  return candidates.map((candidate) => {
    const { cosine } = candidate;
    if (cosine === null) return candidate;
    return { ...candidate, cosine: target[1] - (own[1] - cosine) * factor };
  });
}
