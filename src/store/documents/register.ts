/** Registers a document: makes it with its first draft, or finds the one that is there already. */
import { and, eq, exists, isNull, notExists, sql, type SQL } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { knownResource, rememberKey, selectFingerprint, type Key } from '../idempotency-keys.ts';
import { batch, now, query, selectRow, statement } from '../query.ts';
import { documentDrafts, documents } from '../schema.ts';
import { selectOwnConversation } from '../search/scope.ts';
import { selectDocumentId, selectDocuments } from './documents.ts';
import { insertDraft, insertOwner, refuseWhenFull, type DraftContent } from './drafts.ts';
import { stateFrom, type DocumentState } from './state.ts';

export interface NewDocument extends DraftContent {
  id: string;
  userId: string;
  conversationId: string | null;
}

export type Registered =
  | { kind: 'known' | 'created'; state: DocumentState }
  | { kind: 'key_reused' }
  /** The same request was made before, and its document has been deleted since. */
  | { kind: 'deleted' }
  | { kind: 'no_conversation' };

/**
 * Makes a document and its draft, or finds the one with the same text and title in the same place,
 * or the one that the same key made before.
 * @throws ParleyError `payload_too_large` when its owner has had too many chunks
 */
export async function registerDocument(
  db: Database,
  document: NewDocument,
  { leaseMs, idempotency }: { leaseMs: number; idempotency?: Key | undefined },
): Promise<Registered> {
  const { id, userId, conversationId, ...content } = document;
  const same = selectSame(document);
  const known = idempotency ? sql`coalesce(${knownResource(idempotency)}, ${same})` : sql`${same}`;
  const conversation = selectOwnConversation({ id: conversationId ?? '', userId });
  const insert = insertWhere(
    document,
    and(isNull(known), conversationId === null ? undefined : exists(conversation)),
  );
  const drafted = query.select({ id: documentDrafts.documentId }).from(documentDrafts);
  const hasNoDraft = notExists(drafted.where(eq(documentDrafts.documentId, documents.id)));
  const results = batch(
    db,
    [
      insertOwner(userId),
      insert,
      insertDraft({ userId, ...content }, sql`${and(eq(documents.id, id), hasNoDraft)}`),
      idempotency ? [rememberKey(idempotency, statement(same))] : [],
      selectFingerprint(idempotency ?? { scope: '', key: '' }),
      conversation,
      selectDocuments(leaseMs).where(and(eq(documents.id, known), eq(documents.userId, userId))),
    ],
    'write',
  );
  const [, , , , [key], [place], [row]] = await refuseWhenFull(results);
  if (key && key.fingerprint !== idempotency?.fingerprint) return { kind: 'key_reused' };
  if (row) {
    const state = stateFrom(row);
    return { kind: state.document.id === id ? 'created' : 'known', state };
  }
  if (conversationId !== null && !place) return { kind: 'no_conversation' };
  if (key) return { kind: 'deleted' };
  throw new TypeError('a document was neither made nor found');
}

/**
 * Selects the document with the same text and title in the same place. A plus keeps a column from
 * choosing the index: by place or by id it would go through all documents that are there.
 */
function selectSame({ userId, contentHash, title, conversationId }: NewDocument) {
  const isHere = sql`+${documents.conversationId} is ${conversationId}`;
  const isSame = and(eq(documents.contentHash, contentHash), eq(documents.title, title), isHere);
  return query
    .select({ id: documents.id })
    .from(documents)
    .where(and(eq(documents.userId, userId), isSame))
    .orderBy(sql`+${documents.id}`)
    .limit(1);
}

/** Inserts a document that searches see nothing of yet, where the condition holds. */
function insertWhere(document: NewDocument, condition: SQL | undefined) {
  const row = selectRow(documents, {
    ...document,
    ...{
      version: null,
      chunkCount: 0,
      embeddingModel: null,
      dimension: null,
      analysis: null,
      text: '',
      revision: 0,
    },
    ...{ status: 'processing', error: null, createdAt: now, updatedAt: now },
  });
  return query
    .insert(documents)
    .select(sql`${row} where ${condition}`)
    .onConflictDoNothing();
}

/** Remembers that a key was about a document for which nothing new had to be begun. */
export async function rememberDocument(
  db: Database,
  idempotency: Key,
  documentId: string,
): Promise<void> {
  await batch(db, [rememberKey(idempotency, selectDocumentId(documentId))], 'write');
}
