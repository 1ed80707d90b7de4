/**
 * From a prepared document to one that searches find: registered, embedded in batches, each stored as it comes, and published whole. What it costs: one request
 * to the database to register, one for each batch but the last, and one that stores the last batch and publishes.
 *
 * On Workers all of it happens within the request (and up to 30 s after its client has left): a normal document is done in a second or two. A large one that
 * is cut off there, by the platform's limits on CPU or subrequests, says `failed`, keeps what it has, and goes on from there when it is sent again.
 */
import type { Document } from '../chat/document.ts';
import type { Draft } from '../store/chunk-batch.ts';
import { failureOf, keyReused, notFound } from '../chat/errors.ts';
import { newId } from '../chat/ids.ts';
import type { Json } from '../chat/parts.ts';
import type { Report } from '../chat/report.ts';
import type { Embedder, EmbeddingRegistry } from '../models/embedding-registry.ts';
import { keywordText } from '../models/offline-embedder-words.ts';
import type { Key } from '../store/idempotency.ts';
import type { Database } from '../store/database.ts';
import { readDocument } from '../store/documents.ts';
import {
  registerDocument,
  rememberDocument,
  replaceDraft,
  resumeDraft,
} from '../store/begin-draft.ts';
import {
  appendToDraft,
  describeDocument,
  failDraft,
  publishDraft,
  renewDraft,
} from '../store/drafts.ts';
import { readStanding, type DraftContent, type Standing } from '../store/standing.ts';
import type { NewChunk } from '../store/search.ts';
import { sha256 } from './content-hash.ts';
import type { Prepared } from './prepare.ts';
import { titleOf } from './search.ts';
import type { Chunk } from './split.ts';

export interface IngestRequest {
  userId: string;
  conversationId: string | null;
  /** The document that this one replaces. */
  documentId?: string | undefined;
  prepared: Prepared;
  /** Instead of the document's own. */
  title?: string | undefined;
  url?: string | null | undefined;
  metadata?: Record<string, Json> | undefined;
  idempotency?: Key | undefined;
}

export interface IngestServices {
  db: Database;
  embeddings: EmbeddingRegistry;
  /** How long an ingest may be silent before it counts as interrupted, milliseconds. */
  leaseMs: number;
  report: Report;
}

/** What is left to do for a document. */
export type Ingest =
  /** Nothing: it was there. */
  | { kind: 'known'; document: Document }
  /** Somebody else is at work on the same. */
  | { kind: 'elsewhere'; document: Document }
  | { kind: 'accepted'; document: Document; job: Job };

/** The work on one draft. */
export interface Job {
  draft: Draft;
  title: string;
  chunks: Chunk[];
  /** Ordinals of chunks that an earlier try has stored. */
  stored: ReadonlySet<number>;
  embedder: Embedder;
}

export type OnProgress = (progress: { done: number; total: number }) => void;

/** Chunks that are embedded and stored together: some 100 KB of vectors, and a fraction of what an embedding service takes at once. */
export const BATCH = 64;
/** A batch is tried again for so long, so that a busy embedding service delays an ingest and does not end it. */
export const PATIENCE = { callMs: 30_000, pausesMs: 60_000 };

/**
 * Registers a document. The same text under the same title in the same place (a conversation, or the user's own) is the same document, and is neither stored
 * nor embedded again; to replace one, say which by `documentId`.
 * @throws ParleyError `not_found` for a conversation or document that is not the user's, `idempotency_key_reused`
 */
export async function acceptDocument(
  request: IngestRequest,
  services: IngestServices,
): Promise<Ingest> {
  const content = await contentOf(request, services.embeddings.configured);
  const { userId, documentId, idempotency } = request;
  const { db, leaseMs } = services;
  if (documentId !== undefined) {
    const key = { id: documentId, userId, leaseMs, idempotency };
    const { standing, fingerprint } = await readStanding(db, key);
    if (fingerprint !== null && fingerprint !== idempotency?.fingerprint) throw keyReused();
    if (!standing) throw notFound('Document');
    return goOn({ standing, content, request, isRepeat: fingerprint !== null }, services);
  }
  const { conversationId } = request;
  const registered = await registerDocument(
    db,
    { ...content, id: newId(), userId, conversationId },
    { leaseMs, idempotency },
  );
  if (registered.kind === 'no_conversation') throw notFound('Conversation');
  if (registered.kind === 'key_reused') throw keyReused();
  if (registered.kind === 'deleted') throw notFound('Document');
  const { standing } = registered;
  if (registered.kind === 'created' && standing.draft)
    return accepted(standing.document, standing.draft, new Set(), { content, request }, services);
  // With a key it may be one that has been replaced since.
  return goOn({ standing, content, request, isRepeat: idempotency !== undefined }, services);
}

interface Wanted {
  content: DraftContent;
  request: IngestRequest;
}

/** Whatever has to be done for a document that is there already to become what is wanted. */
async function goOn(
  {
    standing,
    content,
    request,
    isRepeat,
  }: Wanted & {
    standing: Standing;
    /** The same request was made before: what has become of the document since then is not undone. */
    isRepeat: boolean;
  },
  services: IngestServices,
): Promise<Ingest> {
  const { document, draft, isBusy } = standing;
  const { db, leaseMs } = services;
  const { userId, idempotency } = request;
  if (isRepeat && ![document, draft].some((found) => found && isSameText(found, content)))
    return { kind: isBusy ? 'elsewhere' : 'known', document };
  const isSameDraft = draft !== undefined && isSame(draft, content);
  if (idempotency && !isRepeat && (isSameDraft || isSame(document, content)))
    await rememberDocument(db, idempotency, document.id);
  if (isBusy && isSameDraft) return { kind: 'elsewhere', document };
  if (!draft && document.isSearchable && isSame(document, content))
    return { kind: 'known', document: await described(document, request, db) };
  if (isSameDraft && draft.chunkCount === content.chunkCount) {
    const stored = await resumeDraft(db, { draft, leaseMs });
    if (!stored) return { kind: 'elsewhere', document };
    return accepted(document, draft, stored, { content, request }, services);
  }
  const fresh = await replaceDraft(db, {
    documentId: document.id,
    content: { ...content, userId },
    idempotency,
  });
  if (!fresh) throw notFound('Document');
  return accepted(document, fresh, new Set(), { content, request }, services);
}

function accepted(
  document: Document,
  draft: Draft,
  stored: ReadonlySet<number>,
  { content, request }: Wanted,
  { embeddings }: IngestServices,
): Ingest {
  const { prepared } = request;
  const job = {
    draft: { documentId: draft.documentId, userId: draft.userId, version: draft.version },
    title: content.title,
    chunks: prepared.chunks,
    stored,
    embedder: embeddings.configured,
  };
  const progress = { done: stored.size, total: prepared.chunks.length };
  return { kind: 'accepted', document: { ...document, status: 'processing', progress }, job };
}

type Text = Pick<DraftContent, 'title' | 'contentHash'>;

function isSameText(a: Text, b: Text): boolean {
  return a.title === b.title && a.contentHash === b.contentHash;
}

function isSame(a: Text & { embeddingModel: string | null }, b: DraftContent): boolean {
  return isSameText(a, b) && a.embeddingModel === b.embeddingModel;
}

async function contentOf(
  { prepared, title, url, metadata }: IngestRequest,
  { name }: Embedder,
): Promise<DraftContent> {
  const { text, mimeType, size, chunks } = prepared;
  return {
    title: title ?? prepared.title,
    url: url ?? null,
    mimeType,
    metadata: metadata ?? {},
    text,
    contentHash: await sha256(text),
    size,
    embeddingModel: name,
    chunkCount: chunks.length,
  };
}

/** The same document, described anew where the request says something new of it. */
async function described(
  document: Document,
  { url = document.url, metadata = document.metadata }: IngestRequest,
  db: Database,
): Promise<Document> {
  const isNew =
    url !== document.url || JSON.stringify(metadata) !== JSON.stringify(document.metadata);
  if (!isNew) return document;
  await describeDocument(db, { id: document.id, url, metadata });
  return { ...document, url, metadata };
}

/**
 * Does the work, and answers the document as it then is. A document that meanwhile was deleted or replaced by somebody else is left to them.
 * @throws ParleyError `model_…` when the embedding service goes on failing, `database_unavailable`; the document then says `failed`, and sent again goes on
 * where it was
 */
export async function runIngest(
  job: Job,
  services: IngestServices,
  onProgress: OnProgress = () => {},
): Promise<Document> {
  const { db, leaseMs, report } = services;
  const heartbeat = setInterval(() => {
    void renewDraft(db, job.draft).catch((error: unknown) => report('a heartbeat was lost', error));
  }, leaseMs / 3);
  let published: Document | undefined;
  try {
    published = await storeAll(job, db, onProgress);
  } catch (error) {
    await failDraft(db, job.draft, failureOf(error)).catch((lost: unknown) =>
      report('a failed ingest could not be recorded', lost),
    );
    throw error;
  } finally {
    clearInterval(heartbeat);
  }
  if (published) return published;
  const { documentId: id, userId } = job.draft;
  const document = await readDocument(db, { id, userId, leaseMs });
  if (!document) throw notFound('Document');
  return document;
}

/** @returns the document as it was published; undefined when the draft is gone */
async function storeAll(
  job: Job,
  db: Database,
  onProgress: OnProgress,
): Promise<Document | undefined> {
  const { chunks, stored, draft } = job;
  const missing = chunks
    .map((chunk, ordinal) => ({ ...chunk, ordinal }))
    .filter(({ ordinal }) => !stored.has(ordinal));
  let done = stored.size;
  let dimension: number | null = null;
  // The last batch, which may be empty where all was stored before, is published with.
  for (let at = 0; ; at += BATCH) {
    const batch = missing.slice(at, at + BATCH);
    const rows = await embedChunks(job, batch);
    dimension ??= rows[0]?.embedding.length ?? null;
    done += batch.length;
    const progress = { chunks: rows, done, dimension };
    if (at + BATCH >= missing.length) {
      const published = await publishDraft(db, draft, progress);
      if (published) onProgress({ done, total: chunks.length });
      return published;
    }
    if (!(await appendToDraft(db, draft, progress))) return undefined;
    onProgress({ done, total: chunks.length });
  }
}

/** Chunks with their vectors and words, as they are stored. */
export async function embedChunks(
  { draft, title, embedder }: Pick<Job, 'draft' | 'title' | 'embedder'>,
  chunks: readonly Omit<NewChunk, 'id' | 'titleWords' | 'textWords' | 'embedding'>[],
): Promise<NewChunk[]> {
  const above = chunks.map(({ headings, text }) =>
    titleOf({ title, headings: [...headings], text }),
  );
  const vectors = await embedder.embed(
    chunks.map(({ text }, at) => `${above[at]}\n${text}`),
    { use: 'document', patience: PATIENCE },
  );
  return chunks.map((chunk, at) => ({
    id: draft.version + chunk.ordinal,
    ordinal: chunk.ordinal,
    start: chunk.start,
    end: chunk.end,
    headings: chunk.headings,
    text: chunk.text,
    titleWords: keywordText(above[at] ?? ''),
    textWords: keywordText(chunk.text),
    embedding: vectors[at] ?? [],
  }));
}

/** How often somebody else's ingest is looked at, milliseconds. */
const LOOK_EVERY_MS = 300;

/** Waits for an ingest that runs elsewhere: until it is over, or interrupted. Undefined when the document was deleted meanwhile. */
export async function followIngest(
  { id, userId }: Pick<Document, 'id' | 'userId'>,
  { db, leaseMs }: IngestServices,
  onProgress: OnProgress = () => {},
): Promise<Document | undefined> {
  for (;;) {
    const document = await readDocument(db, { id, userId, leaseMs });
    if (document?.status !== 'processing') return document;
    if (document.progress) onProgress(document.progress);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
