/** Searches a library in memory, and asks the database for the texts of the results alone. */
import { notFound } from '../../core/errors.ts';
import type { Database } from '../../store/database.ts';
import {
  selectFound,
  selectLibraryState,
  type LibraryDocument,
} from '../../store/search/libraries.ts';
import { batch } from '../../store/query.ts';
import { selectOwnConversation } from '../../store/search/scope.ts';
import { termOf } from '../../text/words.ts';
import type { QueryTerms } from '../bm25.ts';
import { keywordQuery } from '../fts-query.ts';
import { candidatesFor } from '../plan-search.ts';
import { rankCandidates, type Ranked } from '../rank.ts';
import { vectorsForOthers } from '../earlier-spaces.ts';
import type { Question, RetrievalRequest } from '../retrieve.ts';
import { passageOf, type Passage } from '../passage.ts';
import { pooled } from '../word-forms.ts';
import { findByVector, findByWords, type Found } from './find-candidates.ts';
import type { Library } from './library.ts';

export interface LibrarySearch {
  library: Library;
  question: Question;
  request: RetrievalRequest;
  db: Database;
  /** True when the library was brought up to date after the search began. */
  isFresh: boolean;
}

/**
 * Searches a library, with one request to the database: for the texts of the results, and for
 * whether the library is still the one that was searched.
 * @returns undefined when the library has changed meanwhile
 * @throws ParleyError as `searchFor` does
 */
export async function searchLibrary(search: LibrarySearch): Promise<Passage[] | undefined> {
  const { library, question, request } = search;
  const { revision } = library;
  const scoped = documentsInScope(library, request);
  const scope = ofSpace(library, scoped, question.space);
  const words = wordsOf(search, scope);
  const ranked = rank(search, words, nearOf(search, scope));
  const { owned, state, found } = await readResults(search, ranked);
  if (!owned) throw notFound('Conversation');
  if (!search.isFresh && state.revision !== revision) return undefined;
  // Memory holds the vectors of one space.
  if (vectorsForOthers(question, spacesOf(library, scoped)).length > 0) return undefined;
  const passages = ranked.flatMap(({ candidate, score, coverage }, at) => {
    const row = found.get(candidate.id);
    const { keywordScore, keywordRank, vectorRank, cosine, language } = candidate;
    const ranks = { keywordScore, keywordRank, vectorRank, cosine, score, coverage, language };
    return row ? [passageOf({ ...row, ...ranks }, at + 1)] : [];
  });
  return passages.length === ranked.length ? passages : undefined;
}

/** Reads the texts of the results, and whether they are still those of the library. */
async function readResults(
  { db, request: { userId, conversation } }: LibrarySearch,
  ranked: readonly Ranked<Candidate>[],
) {
  const id = conversation && 'of' in conversation ? conversation.of : '';
  const ids = ranked.map(({ candidate }) => candidate.id);
  const [owned, [state], rows] = await batch(
    db,
    [selectOwnConversation({ id, userId }), selectLibraryState(userId), selectFound(userId, ids)],
    'read',
  );
  return {
    owned: id === '' || owned.length > 0,
    state: state ?? { revision: 0 },
    found: new Map(rows.map((row) => [row.id, row])),
  };
}

/** Marks the documents that a request is about. */
function documentsInScope(
  { documents, live }: Library,
  { conversation, documentIds }: RetrievalRequest,
): Uint8Array {
  const wanted = documentIds && new Set(documentIds);
  const isOfConversation = ({ conversationId }: LibraryDocument) => {
    if (!conversation) return true;
    if ('of' in conversation) return conversationId === conversation.of;
    return conversationId === null || conversationId === conversation.seenBy;
  };
  return Uint8Array.from(documents, (document, place) =>
    live[place] === 1 && isOfConversation(document) && (!wanted || wanted.has(document.id)) ? 1 : 0,
  );
}

/** Leaves out the documents whose vectors are of another space, or not known to be of this. */
function ofSpace({ documents }: Library, scope: Uint8Array, space: Question['space']): Uint8Array {
  if (!space) return scope;
  return scope.map((isWanted, place) => {
    const { embeddingModel, dimension } = documents[place]!;
    return isWanted && embeddingModel === space.model && dimension === space.dimension ? 1 : 0;
  });
}

/** The distinct spaces of the documents in scope. */
function spacesOf({ documents }: Library, scope: Uint8Array) {
  const spaces = new Map<string, { model: string | null; dimension: number | null }>();
  documents.forEach(({ embeddingModel: model, dimension }, place) => {
    if (scope[place] === 1) spaces.set(`${model} ${dimension}`, { model, dimension });
  });
  return [...spaces.values()];
}

interface Words {
  found: Found[];
  terms: QueryTerms;
  frequencies: Map<string, number>;
}

function wordsOf({ library, question, request }: LibrarySearch, scope: Uint8Array): Words {
  const { words, terms, sameWords } = keywordQuery(request.query, library.languages);
  if (question.mode === 'vector') return { found: [], terms, frequencies: new Map() };
  const limit = candidatesFor(request.k);
  const { found, frequencies } = findByWords(library, { terms: words.map(termOf), scope, limit });
  return { terms, found, frequencies: pooled(frequencies, sameWords) };
}

function nearOf({ library, question, request }: LibrarySearch, scope: Uint8Array): Found[] {
  const { mode, vector } = question;
  if (mode === 'keyword' || !vector) return [];
  return findByVector(library, { vector, scope, limit: candidatesFor(request.k) });
}

function rank(
  { library, question, request }: LibrarySearch,
  { found, terms, frequencies }: Words,
  near: readonly Found[],
): Ranked<Candidate>[] {
  const byWords = new Map(found.map((chunk, at) => [chunk.id, { at, score: chunk.score }]));
  const byVector = new Map(near.map(({ id, score }, at) => [id, { at, cosine: score }]));
  const all = new Map([...found, ...near].map((chunk) => [chunk.id, chunk]));
  const candidates = [...all.values()]
    .sort((a, b) => a.id - b.id)
    .map((chunk) => candidateOf(library, chunk, byWords.get(chunk.id), byVector.get(chunk.id)));
  return rankCandidates({
    mode: question.mode,
    vectorWeight: question.vectorWeight,
    meaning: question.meaning,
    limit: request.k,
    terms,
    candidates,
    statistics: { chunks: library.liveChunks, frequencies },
  });
}

type Candidate = ReturnType<typeof candidateOf>;

function candidateOf(
  { lexicon, documents }: Library,
  { id, segment, chunk }: Found,
  words: { at: number; score: number } | undefined,
  vector: { at: number; cosine: number } | undefined,
) {
  const document = documents[segment.documents[chunk]!]!;
  return {
    id,
    documentId: document.id,
    language: document.language,
    title: '',
    text: '',
    known: { sequence: segment.sequenceOf(chunk), lexicon },
    keywordRank: words ? words.at + 1 : null,
    keywordScore: words?.score ?? null,
    vectorRank: vector ? vector.at + 1 : null,
    cosine: vector?.cosine ?? null,
  };
}
