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
  type Passage,
  type Question,
  type RetrievalRequest,
  type Searcher,
} from '../../../search/retrieve.ts';
import type { Statement } from '../../../store/database.ts';
import { WriteLock } from '../database/write-lock.ts';
import { Lane } from './lane.ts';

export type DocumentTask =
  | {
      kind: 'search';
      request: RetrievalRequest;
      question: Question | undefined;
      /** Statements to be stored with the search. */
      written: Statement[];
    }
  | { kind: 'ingest'; input: DocumentInput }
  | { kind: 'examine'; file: FileToExamine };

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
  readonly #searches: Lane<DocumentTask>[];
  readonly #ingests: Lane<DocumentTask>;

  /** No thread starts before it is needed. */
  constructor(services: Services) {
    this.#services = services;
    const count = Math.min(Math.max(availableParallelism() - 1, 1), MOST_SEARCH_THREADS);
    const isFile = services.config.DATABASE_URL?.startsWith('file:') ?? true;
    const atOnce = SEARCHES_AT_ONCE[isFile ? 'file' : 'elsewhere'];
    this.#searches = Array.from({ length: count }, () => this.#lane(atOnce, searchLost));
    this.#ingests = this.#lane(INGESTS_AT_ONCE, ingestLost);
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
    const { userId } = request;
    const lane = this.#searches[fnv1a(userId) % this.#searches.length] ?? this.#ingests;
    const found = lane.run(
      { kind: 'search', request, question, written: options.alongside?.() ?? [] },
      { owner: userId, signal: options.signal, isRepeatable: true },
    );
    // The thread answers as `searchFor` does.
    return (await found) as Passage[];
  }

  async ingest(input: DocumentInput, onCall?: OnEmbeddingCall): Promise<IngestRun> {
    const { promise: accepted, resolve, reject } = Promise.withResolvers<Document>();
    let onProgress: OnProgress = () => undefined;
    const finished = this.#ingests.run(
      { kind: 'ingest', input },
      {
        owner: requireUserId(input.principal),
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

  /** Examines a file in the thread of ingests, which reads it from the database. */
  async examine(file: FileToExamine): Promise<Examined> {
    const { userId: owner } = file;
    const examined = this.#ingests.run({ kind: 'examine', file }, { owner, isRepeatable: true });
    // The thread answers as the examiner does.
    return (await examined) as Examined;
  }

  /** Ends the threads, each between two calls of the database library. */
  async close(): Promise<void> {
    const lanes = [...this.#searches, this.#ingests];
    await Promise.all(lanes.map((lane) => lane.close(CLOSE_WITHIN_MS)));
  }

  #lane(atOnce: number, lost: () => ParleyError): Lane<DocumentTask> {
    const { config, lockMemory, log } = this.#services;
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
}

function searchLost(): ParleyError {
  const detail = 'The search was interrupted; try again';
  return new ParleyError({ code: 'search_interrupted', detail, retryAfter: RETRY_AFTER });
}

function ingestLost(): ParleyError {
  const detail = 'The ingest was interrupted; send the document again and it goes on where it was';
  return new ParleyError({ code: 'ingest_interrupted', detail, retryAfter: RETRY_AFTER });
}
