/** Accepts a document: registers it, or decides what an existing one still needs. */
import type { Document } from '../core/document.ts';
import { keyReused, notFound } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Json } from '../core/parts.ts';
import type { Embedder } from '../models/embeddings/registry.ts';
import { requireUserId, type Principal } from '../core/principal.ts';
import type { Draft, NewChunk } from '../store/documents/chunks.ts';
import { describeDocument } from '../store/documents/documents.ts';
import { replaceDraft, type DraftContent } from '../store/documents/drafts.ts';
import { registerDocument, rememberDocument } from '../store/documents/register.ts';
import type { Key } from '../store/idempotency-keys.ts';
import { NONE_STORED, resumeDraft, type StoredChunks } from '../store/documents/resume.ts';
import { storeWhole } from '../store/documents/store-whole.ts';
import { readDocumentState, type DocumentState } from '../store/documents/state.ts';
import { sha256 } from '../core/sha256.ts';
import { languageOf } from '../text/languages.ts';
import { ANALYSIS_VERSION } from './analysis.ts';
import { correctLanguage, givenLanguage } from './correct-language.ts';
import { embedChunks, type IngestDependencies, type Job } from './ingest.ts';
import type { Prepared } from './prepare.ts';
import type { Chunk } from './split.ts';

/** The fields of a document that a client may set. */
export interface DocumentFields {
  conversationId: string | null;
  /** The document to replace. */
  documentId?: string | undefined;
  /** Overrides the title found in the document. */
  title?: string | undefined;
  url?: string | null | undefined;
  metadata?: Record<string, Json> | undefined;
  /** Of its text (ISO 639-1); found in the text when left out. */
  language?: string | undefined;
  idempotency?: Key | undefined;
}

export interface IngestRequest extends DocumentFields {
  /** The document's owner; it must name a user. */
  principal: Principal;
  prepared: Prepared;
}

/** The work that a document still needs. */
export type Ingest =
  /** No work is left: the document was already there, or is small and was stored at once. */
  | { kind: 'known' | 'stored'; document: Document }
  /** Another request is ingesting the same document. */
  | { kind: 'elsewhere'; document: Document }
  | { kind: 'accepted'; document: Document; job: Job };

/**
 * Registers a document. The same text under the same title in the same place (a conversation, or
 * the user's own documents) is the same document: it is neither stored nor embedded again. Set
 * `documentId` to replace a document.
 * @throws ParleyError `not_found` for a conversation or document that is not the user's,
 * `idempotency_key_reused`
 */
export async function acceptDocument(
  request: IngestRequest,
  dependencies: IngestDependencies,
): Promise<Ingest> {
  const content = await contentOf(request, dependencies.embeddings.configured);
  const { principal, documentId, idempotency } = request;
  const userId = requireUserId(principal);
  const { db, leaseMs } = dependencies;
  if (documentId !== undefined) {
    const key = { id: documentId, principal, leaseMs, idempotency };
    const { state, fingerprint } = await readDocumentState(db, key);
    const isRepeat = fingerprint !== undefined;
    if (isRepeat && fingerprint !== idempotency?.fingerprint) throw keyReused();
    if (!state) throw notFound('Document');
    const language = request.language ?? (await givenLanguage(state.document, db));
    const kept = language === undefined ? content : { ...content, language };
    return continueIngest({ state, content: kept, request, isRepeat }, dependencies);
  }
  const { conversationId } = request;
  const asked = { ...content, id: newId(), userId, conversationId };
  const options = { leaseMs, idempotency };
  const { chunks } = request.prepared;
  const registered = isStoredAtOnce(chunks, dependencies)
    ? await storeWhole(db, asked, await embedWhole(asked, chunks, dependencies), options)
    : await registerDocument(db, asked, options);
  if (registered.kind === 'no_conversation') throw notFound('Conversation');
  if (registered.kind === 'key_reused') throw keyReused();
  if (registered.kind === 'deleted') throw notFound('Document');
  const { state } = registered;
  if (registered.kind === 'created' && state.draft)
    return accepted(state.document, state.draft, NONE_STORED, { content, request }, dependencies);
  if (registered.kind === 'created') return { kind: 'stored', document: state.document };
  // A key may lead to a document that has been replaced since.
  return continueIngest(
    { state, content, request, isRepeat: idempotency !== undefined },
    dependencies,
  );
}

/**
 * The most chunks of a document that one transaction makes whole. What does not go on from where it
 * was interrupted must cost little, and so must the embedding of a text that turns out to be known.
 */
const MOST_AT_ONCE = 16;

/** A service costs money and may fail, so that what it has given must be kept. */
function isStoredAtOnce(chunks: readonly Chunk[], { embeddings }: IngestDependencies): boolean {
  return embeddings.configured.isLocal && chunks.length > 0 && chunks.length <= MOST_AT_ONCE;
}

function embedWhole(
  { title, language }: DraftContent,
  chunks: readonly Chunk[],
  { embeddings }: IngestDependencies,
): Promise<NewChunk[]> {
  const numbered = chunks.map((chunk, ordinal) => ({ ...chunk, ordinal }));
  return embedChunks({ title, language, embedder: embeddings.configured }, numbered);
}

interface Requested {
  content: DraftContent;
  request: IngestRequest;
}

/** Decides what an existing document needs to become the requested one. */
async function continueIngest(
  {
    state,
    content,
    request,
    isRepeat,
  }: Requested & {
    state: DocumentState;
    /** The same request was made before: later changes to the document are kept. */
    isRepeat: boolean;
  },
  dependencies: IngestDependencies,
): Promise<Ingest> {
  const { document, draft, isBusy } = state;
  const { db, leaseMs } = dependencies;
  const { principal, idempotency } = request;
  if (isRepeat && ![document, draft].some((found) => found && isSameText(found, content)))
    return { kind: isBusy ? 'elsewhere' : 'known', document };
  const isSameDraft =
    draft !== undefined && isSame(draft, content) && draft.language === content.language;
  if (idempotency && !isRepeat && (isSameDraft || isSame(document, content)))
    await rememberDocument(db, idempotency, document.id);
  if (isBusy && isSameDraft) return { kind: 'elsewhere', document };
  // A request without a document id only asks for the text to be there; it must not undo a running
  // replacement.
  const isAtRest = !draft || request.documentId === undefined;
  if (isAtRest && document.isSearchable && isSame(document, content))
    return { kind: 'known', document: await withDescription(document, request, dependencies) };
  if (isSameDraft && draft.chunkCount === content.chunkCount) {
    const stored = await resumeDraft(db, { draft, description: request, leaseMs });
    if (!stored) return { kind: 'elsewhere', document };
    return accepted(document, draft, stored, { content, request }, dependencies);
  }
  const fresh = await replaceDraft(db, {
    documentId: document.id,
    content: { ...content, userId: requireUserId(principal) },
    idempotency,
  });
  if (!fresh) throw notFound('Document');
  return accepted(document, fresh, NONE_STORED, { content, request }, dependencies);
}

function accepted(
  document: Document,
  draft: Draft,
  stored: StoredChunks,
  { content, request }: Requested,
  { embeddings }: IngestDependencies,
): Ingest {
  const { prepared } = request;
  const job = {
    draft: { documentId: draft.documentId, userId: draft.userId, version: draft.version },
    title: content.title,
    language: content.language,
    chunks: prepared.chunks,
    stored,
    embedder: embeddings.configured,
  };
  const progress = { done: stored.ordinals.size, total: prepared.chunks.length };
  return { kind: 'accepted', document: { ...document, status: 'processing', progress }, job };
}

type Text = Pick<DraftContent, 'title' | 'contentHash'>;

function isSameText(a: Text, b: Text): boolean {
  return a.title === b.title && a.contentHash === b.contentHash;
}

function isSame(
  a: Text & { embeddingModel: string | null; analysis: number | null },
  b: DraftContent,
): boolean {
  return isSameText(a, b) && a.embeddingModel === b.embeddingModel && a.analysis === b.analysis;
}

async function contentOf(
  { prepared, title, url, metadata, language }: IngestRequest,
  embedder: Embedder,
): Promise<DraftContent> {
  const { text, mimeType, size, charset, chunks } = prepared;
  return {
    title: title ?? prepared.title,
    url: url ?? null,
    mimeType,
    metadata: metadata ?? {},
    text,
    contentHash: await sha256(text),
    size,
    charset,
    language: language ?? (await languageOf(text)),
    embeddingModel: embedder.name,
    // What is embedded without the word vectors is embedded again by the next reindex.
    analysis: (await embedder.isWhole()) ? ANALYSIS_VERSION : null,
    chunkCount: chunks.length,
  };
}

/**
 * Returns the document with the url, the metadata and the language of the request, and stores them
 * if they differ.
 */
async function withDescription(
  known: Document,
  { url = known.url, metadata = known.metadata, language }: IngestRequest,
  dependencies: IngestDependencies,
): Promise<Document> {
  const isCorrected = language !== undefined && language !== known.language;
  const document = isCorrected ? await correctLanguage(known.id, language, dependencies) : known;
  const isNew =
    url !== document.url || JSON.stringify(metadata) !== JSON.stringify(document.metadata);
  if (!isNew) return document;
  await describeDocument(dependencies.db, { id: document.id, url, metadata });
  return { ...document, url, metadata };
}
