/**
 * Searches and ingests in threads, so that no stream waits for them. A search goes to the thread of
 * its user, which remembers that user's library. Each thread has a connection of its own.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Config } from '../../../config.ts';
import type { Document } from '../../../core/document.ts';
import { ParleyError } from '../../../core/errors.ts';
import { fnv1a } from '../../../core/hash.ts';
import type { Logger } from '../../../core/logger.ts';
import { requireUserId } from '../../../core/principal.ts';
import type { Examined, FileExaminer, FileToExamine } from '../../../documents/examine-file.ts';
import type { DocumentInput, Ingester, IngestRun } from '../../../documents/ingester.ts';
import type { OnProgress } from '../../../documents/ingest.ts';
import type {
  EmbeddingCall,
  EmbeddingRegistry,
  OnEmbeddingCall,
} from '../../../models/embeddings/registry.ts';
import {
  embedQuestion,
  type Question,
  type RetrievalRequest,
  type Searcher,
} from '../../../search/retrieve.ts';
import type { Passage } from '../../../search/passage.ts';
import type { Statement } from '../../../store/database.ts';
import { WriteLock } from '../database/write-lock.ts';
import { Lane } from './lane.ts';

/** A task, in the database of a tenant where each has one. */
export type DocumentTask = { tenant?: string | undefined } & TaskKinds;

type TaskKinds =
  | {
      kind: 'search';
      request: RetrievalRequest;
      question: Question | undefined;
      /** Statements to be stored with the search. */
      written: Statement[];
    }
  | { kind: 'ingest'; input: DocumentInput }
  | { kind: 'examine'; file: FileToExamine }
  | { kind: 'correct'; document: Owned; language: string | null };

type Owned = Pick<Document, 'id' | 'userId'>;

/** The progress that an ingest tells before its result, the finished document. */
export type IngestEvent =
  | { accepted: Document }
  | { progress: Parameters<OnProgress>[0] }
  | { called: EmbeddingCall };

/** The data that a thread is started with. */
export interface ThreadData {
  config: Config;
  lockMemory: SharedArrayBuffer;
}

/** Searches of a local file keep a thread busy; those of a database elsewhere mostly wait. */
const SEARCHES_AT_ONCE = { file: 1, elsewhere: 8 };
/** Ingests take turns in their thread while others wait for the disk or a service. */
const INGESTS_AT_ONCE = 4;
/** Most threads that search. One core is left to the streams. */
const MOST_SEARCH_THREADS = 4;
const MOST_WAITING = { mostWaiting: 400, mostWaitingOfOne: 100 };
/** Time for threads to end at a shutdown, in milliseconds. */
const CLOSE_WITHIN_MS = 2_000;
const RETRY_AFTER = 1;

interface Services extends ThreadData {
  embeddings: EmbeddingRegistry;
  log: Logger;
}

export class DocumentThreads implements Searcher, Ingester, FileExaminer {
  readonly #services: Services;
  readonly #lanes: Lanes;
  readonly #tenant: string | undefined;

  /**
   * No thread starts before it is needed.
   * @param tenant whose database is meant; undefined where all users share one
   */
  constructor(services: Services, tenant?: string, lanes = lanesOf(services)) {
    this.#services = services;
    this.#tenant = tenant;
    this.#lanes = lanes;
  }

  /** Returns the same threads, for the database of a tenant. */
  of(tenant: string): DocumentThreads {
    return new DocumentThreads(this.#services, tenant, this.#lanes);
  }

  async search(
    request: RetrievalRequest,
    options: Parameters<Searcher['search']>[1],
  ): Promise<Passage[]> {
    const { embeddings } = this.#services;
    // A service is asked from here: waiting for it must not take a place in a thread.
    const question = embeddings.configured.isLocal
      ? undefined
      : await embedQuestion(request, this.#services, options);
    const owner = this.#ownerOf(request.userId);
    const { searches, ingests } = this.#lanes;
    const lane = searches[fnv1a(owner) % searches.length] ?? ingests;
    const written = options.alongside?.() ?? [];
    const found = lane.run(
      { tenant: this.#tenant, kind: 'search', request, question, written },
      { owner, signal: options.signal, isRepeatable: true },
    );
    // The thread answers as `searchFor` does.
    return (await found) as Passage[];
  }

  async ingest(input: DocumentInput, onCall?: OnEmbeddingCall): Promise<IngestRun> {
    const { promise: accepted, resolve, reject } = Promise.withResolvers<Document>();
    let onProgress: OnProgress = () => undefined;
    const finished = this.#lanes.ingests.run(
      { tenant: this.#tenant, kind: 'ingest', input },
      {
        owner: this.#ownerOf(requireUserId(input.principal)),
        isRepeatable: false,
        onEvent: (event) => {
          // The thread tells nothing else.
          const told = event as IngestEvent;
          if ('accepted' in told) resolve(told.accepted);
          else if ('called' in told) onCall?.(told.called);
          else onProgress(told.progress);
        },
      },
    );
    finished.catch(reject);
    const document = await accepted;
    return {
      document,
      work: (tell = () => undefined) => {
        onProgress = tell;
        return finished as Promise<Document>;
      },
    };
  }

  async correctLanguage(document: Owned, language: string | null): Promise<Document> {
    const corrected = this.#lanes.ingests.run(
      { tenant: this.#tenant, kind: 'correct', document, language },
      { owner: this.#ownerOf(document.userId), isRepeatable: true },
    );
    // The thread answers as the ingester does.
    return (await corrected) as Document;
  }

  /** Examines a file in the thread of ingests, which reads it from the database. */
  async examine(file: FileToExamine): Promise<Examined> {
    const examined = this.#lanes.ingests.run(
      { tenant: this.#tenant, kind: 'examine', file },
      { owner: this.#ownerOf(file.userId), isRepeatable: true },
    );
    // The thread answers as the examiner does.
    return (await examined) as Examined;
  }

  /** Ends the threads, each between two calls of the database library. */
  async close(): Promise<void> {
    const lanes = [...this.#lanes.searches, this.#lanes.ingests];
    await Promise.all(lanes.map((lane) => lane.close(CLOSE_WITHIN_MS)));
  }

  /** Returns the name under which a user's tasks wait: users of two tenants may be called alike. */
  #ownerOf(userId: string): string {
    return this.#tenant === undefined ? userId : `${this.#tenant}/${userId}`;
  }
}

interface Lanes {
  searches: Lane<DocumentTask>[];
  ingests: Lane<DocumentTask>;
}

function lanesOf(services: Services): Lanes {
  const count = Math.min(Math.max(availableParallelism() - 1, 1), MOST_SEARCH_THREADS);
  const isFile = services.config.DATABASE_URL?.startsWith('file:') ?? true;
  const atOnce = SEARCHES_AT_ONCE[isFile ? 'file' : 'elsewhere'];
  return {
    searches: Array.from({ length: count }, () => laneOf(services, atOnce, searchLost)),
    ingests: laneOf(services, INGESTS_AT_ONCE, ingestLost),
  };
}

function laneOf(
  { config, lockMemory, log }: Services,
  atOnce: number,
  lost: () => ParleyError,
): Lane<DocumentTask> {
  const workerData: ThreadData = { config, lockMemory };
  const lock = new WriteLock(lockMemory);
  return new Lane({
    ...MOST_WAITING,
    atOnce,
    lost,
    onDeath: (error) => log.error('a thread for documents has died', { error }),
    start() {
      const thread = new Worker(new URL('document-thread.ts', import.meta.url), { workerData });
      const { threadId } = thread;
      thread.once('exit', () => lock.releaseOf(threadId));
      return thread;
    },
  });
}

function searchLost(): ParleyError {
  const detail = 'The search was interrupted; try again';
  return new ParleyError({ code: 'search_interrupted', detail, retryAfter: RETRY_AFTER });
}

function ingestLost(): ParleyError {
  const detail = 'The ingest was interrupted; send the document again and it goes on where it was';
  return new ParleyError({ code: 'ingest_interrupted', detail, retryAfter: RETRY_AFTER });
}
