/** Takes a document in: registered, and, where it is there already, whatever is left to do for it to become what is wanted. */
import type { Document } from '../core/document.ts';
import { keyReused, notFound } from '../core/errors.ts';
import { newId } from '../core/ids.ts';
import type { Json } from '../core/parts.ts';
import type { Embedder } from '../models/embeddings/registry.ts';
import type { Database } from '../store/database.ts';
import type { Draft } from '../store/documents/chunks.ts';
import { describeDocument } from '../store/documents/documents.ts';
import { replaceDraft, type DraftContent } from '../store/documents/drafts.ts';
import { registerDocument, rememberDocument } from '../store/documents/register.ts';
import type { Key } from '../store/idempotency-keys.ts';
import { NONE_STORED, resumeDraft, type StoredChunks } from '../store/documents/resume.ts';
import { readDocumentState, type DocumentState } from '../store/documents/state.ts';
import { sha256 } from '../core/sha256.ts';
import { ANALYSIS_VERSION } from './analysis.ts';
import type { IngestServices, Job } from './ingest.ts';
import type { Prepared } from './prepare.ts';

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

/** What is left to do for a document. */
export type Ingest =
  /** Nothing: it was there. */
  | { kind: 'known'; document: Document }
  /** Somebody else is at work on the same. */
  | { kind: 'elsewhere'; document: Document }
  | { kind: 'accepted'; document: Document; job: Job };

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
    const { state, fingerprint } = await readDocumentState(db, key);
    const isRepeat = fingerprint !== undefined;
    if (isRepeat && fingerprint !== idempotency?.fingerprint) throw keyReused();
    if (!state) throw notFound('Document');
    return goOn({ state, content, request, isRepeat }, services);
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
  const { state } = registered;
  if (registered.kind === 'created' && state.draft)
    return accepted(state.document, state.draft, NONE_STORED, { content, request }, services);
  // With a key it may be one that has been replaced since.
  return goOn({ state, content, request, isRepeat: idempotency !== undefined }, services);
}

interface Wanted {
  content: DraftContent;
  request: IngestRequest;
}

/** Whatever has to be done for a document that is there already to become what is wanted. */
async function goOn(
  {
    state,
    content,
    request,
    isRepeat,
  }: Wanted & {
    state: DocumentState;
    /** The same request was made before: what has become of the document since then is not undone. */
    isRepeat: boolean;
  },
  services: IngestServices,
): Promise<Ingest> {
  const { document, draft, isBusy } = state;
  const { db, leaseMs } = services;
  const { userId, idempotency } = request;
  if (isRepeat && ![document, draft].some((found) => found && isSameText(found, content)))
    return { kind: isBusy ? 'elsewhere' : 'known', document };
  const isSameDraft = draft !== undefined && isSame(draft, content);
  if (idempotency && !isRepeat && (isSameDraft || isSame(document, content)))
    await rememberDocument(db, idempotency, document.id);
  if (isBusy && isSameDraft) return { kind: 'elsewhere', document };
  // Who names no document asks for the text to be there, and not for what is to replace it to be undone.
  const isAtRest = !draft || request.documentId === undefined;
  if (isAtRest && document.isSearchable && isSame(document, content))
    return { kind: 'known', document: await described(document, request, db) };
  if (isSameDraft && draft.chunkCount === content.chunkCount) {
    const stored = await resumeDraft(db, { draft, description: request, leaseMs });
    if (!stored) return { kind: 'elsewhere', document };
    return accepted(document, draft, stored, { content, request }, services);
  }
  const fresh = await replaceDraft(db, {
    documentId: document.id,
    content: { ...content, userId },
    idempotency,
  });
  if (!fresh) throw notFound('Document');
  return accepted(document, fresh, NONE_STORED, { content, request }, services);
}

function accepted(
  document: Document,
  draft: Draft,
  stored: StoredChunks,
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
  { prepared, title, url, metadata }: IngestRequest,
  { name }: Embedder,
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
    embeddingModel: name,
    analysis: ANALYSIS_VERSION,
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
