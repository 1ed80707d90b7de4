/**
 * Ingests a prepared document: embeds its chunks in batches, stores each batch as it comes, and
 * publishes the document as a whole. This costs one database request to register it, one for each
 * batch but the last, and one that stores the last batch and publishes. Small documents are stored
 * at once before they come here (`accept.ts`).
 *
 * On Workers all of this happens within the request (and up to 30 s after its client has left); a
 * normal document takes a second or two. A large one that the platform's limits on CPU or
 * subrequests cut off becomes `failed`, keeps what it has stored, and continues from there when it
 * is sent again.
 */
import type { Document } from '../core/document.ts';
import { failureOf, notFound, ParleyError } from '../core/errors.ts';
import { ANYONE } from '../core/principal.ts';
import type { Logger } from '../core/logger.ts';
import { sleep } from '../core/retry.ts';
import type {
  Embedder,
  EmbeddingCall,
  EmbeddingRegistry,
  OnEmbeddingCall,
} from '../models/embeddings/registry.ts';
import type { PriceTable } from '../core/prices.ts';
import { loadLanguages } from '../text/languages.ts';
import { keywordText } from '../text/words.ts';
import type { Draft, NewChunk } from '../store/documents/chunks.ts';
import type { Database } from '../store/database.ts';
import { readDocument } from '../store/documents/documents.ts';
import { publishDraft } from '../store/documents/publish.ts';
import { NONE_STORED, type StoredChunks } from '../store/documents/resume.ts';
import { appendToDraft, failDraft, renewDraft } from '../store/documents/write-draft.ts';
import { recordCalls } from '../store/usage/ledger.ts';
import { headingLineOf } from '../core/document.ts';
import { EmbeddingCalls } from './ingest-calls.ts';
import type { Chunk } from './split.ts';

export interface IngestDependencies {
  db: Database;
  embeddings: EmbeddingRegistry;
  /** The prices of the embedding model. */
  prices: PriceTable;
  /** The public id of the key by which the ingest was asked for. */
  keyId?: string | undefined;
  /** Called for each call of the embedding service. */
  onCall?: OnEmbeddingCall | undefined;
  /** Milliseconds of silence after which an ingest counts as interrupted. */
  leaseMs: number;
  log: Logger;
}

/** The ingest of one draft. */
export interface Job {
  draft: Draft;
  title: string;
  /** In which its words have their stems. */
  language: string | null;
  chunks: Chunk[];
  /** The chunks that an earlier attempt has stored. */
  stored: StoredChunks;
  embedder: Embedder;
}

export type OnProgress = (progress: { done: number; total: number }) => void;

/**
 * Chunks that are embedded and stored together: about 100 KB of vectors, and a fraction of what an
 * embedding service accepts in one call.
 */
export const BATCH = 64;
/**
 * The time for which a batch is retried, so that a busy embedding service delays an ingest and does
 * not end it.
 */
export const EMBEDDING_LIMITS = { callMs: 30_000, pausesMs: 60_000 };

/**
 * Runs an ingest and returns the document as it is afterwards. If somebody else has deleted or
 * replaced the document meanwhile, their change stands.
 * @throws ParleyError `model_…` if the embedding service keeps failing or changes,
 * `database_unavailable`; the document then becomes `failed`, and sending it again continues the
 * ingest
 */
export async function runIngest(
  job: Job,
  dependencies: IngestDependencies,
  onProgress: OnProgress = () => {},
): Promise<Document> {
  const { db, leaseMs, log, prices, keyId, onCall } = dependencies;
  const calls = new EmbeddingCalls(job.draft.userId, prices, keyId);
  const heartbeat = setInterval(() => {
    void renewDraft(db, job.draft).catch((error: unknown) =>
      log.error('a heartbeat was lost', { error }),
    );
  }, leaseMs / 3);
  let published: Document | undefined;
  try {
    published = await storeAll({ ...job, calls, onCall }, db, onProgress);
  } catch (error) {
    await failDraft(db, job.draft, failureOf(error)).catch((lost: unknown) =>
      log.error('a failed ingest could not be recorded', { error: lost }),
    );
    throw error;
  } finally {
    clearInterval(heartbeat);
    await recordPending(calls, db, log);
  }
  if (published) return published;
  const id = job.draft.documentId;
  const document = await readDocument(db, { id, principal: ANYONE, leaseMs });
  if (!document) throw notFound('Document');
  return document;
}

/** Stores what was used for chunks that were not stored. */
async function recordPending(calls: EmbeddingCalls, db: Database, log: Logger): Promise<void> {
  if (calls.pending.length === 0) return;
  await db
    .batch(recordCalls(calls.pending), 'write')
    .catch((error: unknown) => log.error('usage could not be recorded', { error }));
}

/** A job, and the calls of its embedding model. */
type Metered = Job & { calls: EmbeddingCalls; onCall?: OnEmbeddingCall | undefined };

/**
 * Embeds and stores all missing chunks, and publishes the document.
 * @returns the published document; undefined if the draft is gone
 */
async function storeAll(
  job: Metered,
  db: Database,
  onProgress: OnProgress,
): Promise<Document | undefined> {
  const { title, language, embedder, chunks, stored, draft, calls } = job;
  const onCall = (call: EmbeddingCall) => {
    calls.add(call);
    job.onCall?.(call);
  };
  const missing = chunks
    .map((chunk, ordinal) => ({ ...chunk, ordinal }))
    .filter(({ ordinal }) => !stored.ordinals.has(ordinal));
  let done = stored.ordinals.size;
  let { dimension } = stored;
  // Publishing stores the last batch too. It may be empty, if everything was stored before.
  for (let at = 0; ; at += BATCH) {
    const batch = missing.slice(at, at + BATCH);
    const rows = await embedChunks({ title, language, embedder, onCall }, batch);
    const given = rows[0]?.embedding.length ?? dimension;
    // The model has changed, so the chunks of the earlier attempt are stored again under the same
    // ids.
    if (at === 0 && given !== (dimension ?? given))
      return storeAll({ ...job, stored: NONE_STORED }, db, onProgress);
    dimension ??= given;
    refuseOtherDimension(rows, dimension);
    done += batch.length;
    const progress = { chunks: rows, done, dimension, calls: calls.pending };
    if (at + BATCH >= missing.length) {
      const published = await publishDraft(db, draft, progress);
      if (published) calls.stored();
      if (published) onProgress({ done, total: chunks.length });
      return published;
    }
    if (!(await appendToDraft(db, draft, progress))) return undefined;
    calls.stored();
    onProgress({ done, total: chunks.length });
  }
}

/**
 * Refuses vectors of another dimension than the document's. They could not be compared.
 * @throws ParleyError `model_error` if the service returns other dimensions in the middle of a
 * document
 */
export function refuseOtherDimension(rows: readonly NewChunk[], dimension: number | null): void {
  const given = rows[0]?.embedding.length ?? dimension;
  if (given === dimension) return;
  const detail = `The embedding model has changed meanwhile: its vectors had ${String(dimension)} dimensions, and now ${String(given)}`;
  throw new ParleyError({ code: 'model_error', detail }, { cause: new TypeError(detail) });
}

type Embedding = Pick<Job, 'title' | 'language' | 'embedder'> & { onCall?: OnEmbeddingCall };

/** Returns chunks with their vectors and words, ready to be stored. */
export async function embedChunks(
  { title, language, embedder, onCall }: Embedding,
  chunks: readonly Omit<NewChunk, 'titleWords' | 'textWords' | 'embedding'>[],
): Promise<NewChunk[]> {
  await loadLanguages([language]);
  const above = chunks.map(({ headings, text }) =>
    headingLineOf({ title, headings: [...headings], text }),
  );
  const vectors = await embedder.embed(
    chunks.map(({ text }, at) => `${above[at]}\n${text}`),
    { use: 'document', limits: EMBEDDING_LIMITS, ...(onCall && { onCall }) },
  );
  return chunks.map((chunk, at) => ({
    ordinal: chunk.ordinal,
    start: chunk.start,
    end: chunk.end,
    headings: chunk.headings,
    text: chunk.text,
    titleWords: keywordText(above[at] ?? '', language),
    textWords: keywordText(chunk.text, language),
    embedding: vectors[at] ?? [],
  }));
}

/** The interval at which another request's ingest is checked, in milliseconds. */
const LOOK_EVERY_MS = 300;

/**
 * Waits until an ingest that runs elsewhere has ended or been interrupted. Returns undefined if the
 * document was deleted meanwhile.
 */
export async function followIngest(
  id: string,
  { db, leaseMs }: IngestDependencies,
  onProgress: OnProgress = () => {},
): Promise<Document | undefined> {
  for (;;) {
    const document = await readDocument(db, { id, principal: ANYONE, leaseMs });
    if (document?.status !== 'processing') return document;
    if (document.progress) onProgress(document.progress);
    await sleep(LOOK_EVERY_MS);
  }
}
