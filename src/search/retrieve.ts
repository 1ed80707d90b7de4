/** Finds passages for a question: embeds it, searches in one database request, and ranks. */
import { LatestMap } from '../core/latest-map.ts';
import type { MetadataFilter } from '../core/document.ts';
import { notFound } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import type { EmbeddingRegistry, OnEmbeddingCall } from '../models/embeddings/registry.ts';
import type { Database, Statement } from '../store/database.ts';
import { batch, prepare } from '../store/query.ts';
import {
  selectLanguages,
  selectOwnConversation,
  selectSpaces,
  type DocumentScope,
  type Space,
} from '../store/search/scope.ts';
import { loadLanguages, MATCHED_LANGUAGES, type MatchedLanguage } from '../text/languages.ts';
import { embedQuery } from './embed-query.ts';
import { earlierVectors, joined, searchEarlierSpaces, type Embedded } from './earlier-spaces.ts';
import { MODEL_FLOOR, OFFLINE_FLOOR, withoutCopies, worthCiting } from './worth-citing.ts';
import { passageOf, type Passage } from './passage.ts';
import type { RetrievalMode } from './rank.ts';
import { MODEL_VECTOR_WEIGHT, OFFLINE_VECTOR_WEIGHT, planSearch } from './plan-search.ts';

export interface RetrievalRequest extends DocumentScope {
  query: string;
  /** Most passages. */
  k: number;
  mode?: RetrievalMode;
}

/** The services that a search uses. */
export interface SearchServices {
  db: Database;
  embeddings: EmbeddingRegistry;
  log: Logger;
}

export interface SearchOptions {
  signal?: AbortSignal | undefined;
  /** Called for each call of the embedding service. */
  onCall?: OnEmbeddingCall | undefined;
  /** Returns what is to be stored by the request that searches, once the query is embedded. */
  alongside?: () => Statement[];
  /**
   * The behaviour of a hybrid search while the embedding service is unavailable: it fails (default)
   * or uses the words alone.
   */
  whenEmbeddingFails?: 'fail' | 'keyword' | undefined;
}

/** Searches documents. A host may do it in another thread. */
export interface Searcher {
  /**
   * Finds passages, best first.
   * @throws ParleyError `not_found` when the conversation whose documents are searched is not the
   * user's, `embedding_space_mismatch` when documents in scope were embedded by another model,
   * `model_…` when the query cannot be embedded and `whenEmbeddingFails` is not `keyword`
   */
  search(request: RetrievalRequest, options: SearchOptions): Promise<Passage[]>;
}

/** Creates the searcher that does its work where it is called. */
export function createSearcher(services: SearchServices): Searcher {
  return {
    async search(request, options) {
      const question = await embedQuestion(request, services, options);
      return searchFor(question, request, { db: services.db, written: options.alongside?.() });
    },
  };
}

/** A question as it is searched for; plain data, which may cross to another thread. */
export interface Question {
  mode: RetrievalMode;
  /** Its embedding; null in keyword mode. */
  vector: number[] | null;
  /** The space of the vector, and what a cosine in it is worth. */
  space: Space | undefined;
  vectorWeight: number;
  /** The share of the question's meaning that its vector holds: 0 to 1. */
  meaning: number;
  /** Its embeddings in the earlier spaces of the offline model. */
  earlier: Embedded[];
}

/**
 * Embeds the query of a request, without I/O for the offline model.
 * @throws ParleyError `model_…` as `Searcher.search` does
 */
export async function embedQuestion(
  { query, mode: wanted = 'hybrid' }: RetrievalRequest,
  { embeddings, log }: Pick<SearchServices, 'embeddings' | 'log'>,
  { signal, onCall, whenEmbeddingFails = 'fail' }: SearchOptions,
): Promise<Question> {
  const embedder = embeddings.configured;
  const {
    vector = null,
    meaning = 1,
    error,
  } = wanted === 'keyword' ? {} : await embedQuery(query, embedder, { signal, onCall });
  if (error && (wanted === 'vector' || whenEmbeddingFails === 'fail')) throw error;
  if (error) log.error('a question could not be embedded, words alone are searched for', { error });
  return {
    mode: vector ? wanted : 'keyword',
    vector,
    space: vector ? { model: embedder.name, dimension: vector.length } : undefined,
    vectorWeight: embedder.isLocal ? OFFLINE_VECTOR_WEIGHT : MODEL_VECTOR_WEIGHT,
    meaning,
    earlier: vector ? await earlierVectors(query, embeddings) : [],
  };
}

const ownConversation = prepare(selectOwnConversation);

/** Most users whose languages are remembered. */
const MOST_REMEMBERED = 1_000;
/** The languages of users' libraries as of their last search; each search checks them. */
const lastLanguages = new LatestMap<readonly MatchedLanguage[]>(MOST_REMEMBERED);

function rememberLanguages(userId: string, languages: readonly MatchedLanguage[]): void {
  if (languages.length > 0) lastLanguages.set(userId, languages);
  else lastLanguages.delete(userId);
}

/**
 * Most searches for one question. Where the languages have changed each time, the last search is
 * the answer: words of a language that it did not know are matched as they are written.
 */
const MOST_SEARCHES = 3;

export interface SearchRun {
  db: Database;
  /** Statements to be stored by the request that searches. */
  written?: readonly Statement[] | undefined;
}

/**
 * Finds passages for a question that is embedded, in one request to the database. A second one
 * follows where the library has other languages than when this process last searched it.
 * @throws ParleyError `not_found`, `embedding_space_mismatch`, as `Searcher.search` does
 */
export async function searchFor(
  question: Question,
  request: RetrievalRequest,
  { db, written = [] }: SearchRun,
  searches = 1,
): Promise<Passage[]> {
  const { conversation, userId } = request;
  const languages = lastLanguages.get(userId) ?? [];
  await loadLanguages(languages);
  const plan = planSearch({ ...request, ...question, languages });
  const id = conversation && 'of' in conversation ? conversation.of : '';
  const [[owned = []], spaces, candidates, frequencies, found] = await batch(
    db,
    [
      id === '' ? [] : [ownConversation({ id, userId })],
      selectSpaces(request),
      ...plan.statements,
      selectLanguages(userId, MATCHED_LANGUAGES),
      written,
    ],
    written.length === 0 ? 'read' : 'write',
  );
  if (id !== '' && owned.length === 0) throw notFound('Conversation');
  if (found.join() !== languages.join()) {
    rememberLanguages(userId, found);
    if (searches < MOST_SEARCHES) return searchFor(question, request, { db }, searches + 1);
  }
  const others = await searchEarlierSpaces({ question, request, spaces, languages, db });
  const all = joined(candidates, others);
  return plan.rank(all, frequencies).map((result, at) => passageOf(result, at + 1));
}

/**
 * Creates the retriever for turns. It searches the documents that a conversation may see: its own,
 * and those that its owner keeps outside of any conversation. While the embedding service is
 * unavailable it uses the words alone. Passages that have nothing to do with the question are
 * dropped.
 */
export function createRetriever(searcher: Searcher, { configured }: EmbeddingRegistry) {
  return {
    isLocal: configured.isLocal,
    retrieve: async ({
      conversationId,
      signal,
      onCall,
      ...request
    }: {
      userId: string;
      conversationId: string;
      query: string;
      k: number;
      documentIds?: readonly string[] | undefined;
      metadata?: MetadataFilter | undefined;
      signal?: AbortSignal;
      onCall?: OnEmbeddingCall;
    }): Promise<Passage[]> => {
      const passages = await searcher.search(
        { ...request, conversation: { seenBy: conversationId } },
        { signal, onCall, whenEmbeddingFails: 'keyword' },
      );
      const told = withoutCopies(passages);
      return worthCiting(told, configured.isLocal ? OFFLINE_FLOOR : MODEL_FLOOR);
    },
  };
}
