/** Registers a document: makes it with its first draft, or finds the one that is there already. */
import { and, eq, notExists, sql } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { rememberKey, type Key } from '../idempotency-keys.ts';
import { batch, prepare, query, selectRow, statement, type Given } from '../query.ts';
import { documentDrafts, documents } from '../schema.ts';
import { selectDocumentId } from './documents.ts';
import { insertDraft, insertOwner, refuseWhenFull } from './drafts.ts';
import {
  isNewThere,
  newRow,
  NO_KEY,
  registered,
  selectRegistered,
  selectSame,
  type NewDocument,
  type NewRow,
  type Registered,
} from './known-document.ts';

/**
 * Makes a document and its draft, or finds the one with the same text and title in the same place,
 * or the one that the same key made before.
 * @throws ParleyError `payload_too_large` when its owner has had too many chunks
 */
export async function registerDocument(
  db: Database,
  document: NewDocument,
  options: { leaseMs: number; idempotency?: Key | undefined },
): Promise<Registered> {
  const { id, userId, conversationId: _, ...content } = document;
  const { idempotency } = options;
  const drafted = query.select({ id: documentDrafts.documentId }).from(documentDrafts);
  const hasNoDraft = notExists(drafted.where(eq(documentDrafts.documentId, documents.id)));
  const results = batch(
    db,
    [
      insertOwner(userId),
      insertUnseen({ ...document, ...NO_KEY, ...idempotency }),
      insertDraft({ userId, ...content }, sql`${and(eq(documents.id, id), hasNoDraft)}`),
      idempotency ? [rememberKey(idempotency, statement(selectSame(document)))] : [],
      ...selectRegistered(document, options),
    ],
    'write',
  );
  const [, , , , ...found] = await refuseWhenFull(results);
  return registered(found, document, idempotency);
}

/** Inserts a document that searches see nothing of yet, unless it is known. */
const insertUnseen = prepare((given: Given<NewRow>) => {
  const row = selectRow(documents, {
    ...newRow(given),
    ...{ version: null, chunkCount: 0, embeddingModel: null, dimension: null, analysis: null },
    ...{ text: '', revision: 0, status: 'processing' },
  });
  return query
    .insert(documents)
    .select(sql`${row} where ${isNewThere(given)}`)
    .onConflictDoNothing();
});

/** Remembers that a key was about a document for which nothing new had to be begun. */
export async function rememberDocument(
  db: Database,
  idempotency: Key,
  documentId: string,
): Promise<void> {
  await batch(db, [rememberKey(idempotency, selectDocumentId(documentId))], 'write');
}
