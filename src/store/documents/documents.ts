/** Documents as their users see them: reading, listing, describing and deleting. */
import {
  and,
  desc,
  eq,
  getTableColumns,
  inArray,
  isNotNull,
  lt,
  sql,
  type Placeholder,
  type SQL,
} from 'drizzle-orm';
import type { Document } from '../../core/document.ts';
import type { Failure } from '../../core/errors.ts';
import type { Principal } from '../../core/principal.ts';
import { pageOf, type Page } from '../page.ts';
import type { Database, Statement } from '../database.ts';
import { ownedBy, ownerOf } from '../ownership.ts';
import { batch, now, prepare, query, statement, type Given } from '../query.ts';
import { documentDrafts, documents } from '../schema.ts';
import { owners } from '../search/tables.ts';
import { removeChunks } from './chunks.ts';

const INTERRUPTED: Failure = {
  code: 'ingest_interrupted',
  detail: 'The ingest was interrupted; send the document again and it goes on where it was',
};

const { text: _text, revision: _revision, ...columns } = getTableColumns(documents);

/**
 * Selects documents without their texts, each with the draft that is to replace it.
 * @param leaseMs how long an ingest may be silent before it counts as interrupted
 */
export function selectDocuments(leaseMs: number | Placeholder) {
  const { version, title, contentHash, embeddingModel, analysis } = documentDrafts;
  const { chunkCount, done, language } = documentDrafts;
  const heartbeatAt = sql`coalesce(${documentDrafts.heartbeatAt}, 0)`;
  const isIngest = eq(documentDrafts.purpose, 'ingest');
  return query
    .select({
      ...columns,
      draft: { version, title, contentHash, embeddingModel, analysis, language, chunkCount, done },
      isStale: sql`${heartbeatAt} < ${now} - ${leaseMs}`.mapWith(Boolean),
    })
    .from(documents)
    .leftJoin(documentDrafts, and(eq(documentDrafts.documentId, documents.id), isIngest));
}

/** A row of {@link selectDocuments}. */
export type DocumentRow = ReturnType<typeof selectDocuments>['_']['result'][number];

/** Makes a document of a row. */
export function documentFrom(row: DocumentRow): Document {
  const { version, draft, isStale, ...document } = row;
  const isInterrupted = row.status === 'processing' && isStale;
  return {
    ...document,
    status: isInterrupted ? 'failed' : row.status,
    error: isInterrupted ? INTERRUPTED : (row.error ?? undefined),
    isSearchable: version !== null,
    progress: draft ? { done: draft.done, total: draft.chunkCount } : undefined,
  };
}

interface Mine {
  id: string;
  principal: Principal;
}

function isMine({ id, owner }: Given<'id' | 'owner'>): SQL | undefined {
  return and(eq(documents.id, id), ownedBy(documents.userId, owner));
}

const selectDocument = prepare((given: Given<'id' | 'owner' | 'leaseMs'>) =>
  selectDocuments(given.leaseMs).where(isMine(given)),
);

/** Reads a document. @param leaseMs how long an ingest may be silent before it is interrupted */
export async function readDocument(
  db: Database,
  { id, principal, leaseMs }: Mine & { leaseMs: number },
): Promise<Document | undefined> {
  const select = selectDocument({ id, owner: ownerOf(principal), leaseMs });
  const [[row]] = await batch(db, [select], 'read');
  return row && documentFrom(row);
}

const selectText = prepare((given: Given<'id' | 'owner'>) =>
  query
    .select({ text: documents.text })
    .from(documents)
    .where(and(isMine(given), isNotNull(documents.version))),
);

/** Reads the text that searches see the chunks of, and that their offsets point into. */
export async function readDocumentText(
  db: Database,
  { id, principal }: Mine,
): Promise<string | undefined> {
  const [[row]] = await batch(db, [selectText({ id, owner: ownerOf(principal) })], 'read');
  return row?.text;
}

interface ListRequest {
  userId: string;
  conversationId?: string | undefined;
  limit: number;
  /** The last id of the page before. */
  cursor?: string | undefined;
  leaseMs: number;
}

/** Lists a user's documents, newest first. */
export async function listDocuments(
  db: Database,
  { userId, conversationId, limit, cursor, leaseMs }: ListRequest,
): Promise<Page<Document>> {
  const isListed = and(
    eq(documents.userId, userId),
    conversationId === undefined ? undefined : eq(documents.conversationId, conversationId),
    cursor === undefined ? undefined : lt(documents.id, cursor),
  );
  const select = selectDocuments(leaseMs).where(isListed).orderBy(desc(documents.id));
  const [rows] = await batch(db, [select.limit(limit + 1)], 'read');
  return pageOf(rows, limit, documentFrom, (document) => document.id);
}

/** Changes what searches need not know again. */
export async function describeDocument(
  db: Database,
  { id, url, metadata }: Pick<Document, 'id' | 'url' | 'metadata'>,
): Promise<void> {
  const change = { url, metadata, updatedAt: now };
  await batch(db, [query.update(documents).set(change).where(eq(documents.id, id))], 'write');
}

/** Deletes a document with all that searches know of it; false where the user has none. */
export async function deleteDocument(
  db: Database,
  mine: Mine & { leaseMs: number },
): Promise<boolean> {
  // In a request of its own: a deletion that is repeated, its answer lost, finds nothing any more.
  const found = await readDocument(db, mine);
  if (!found) return false;
  await batch(db, [deleteDocuments(found.userId, eq(documents.id, mine.id))], 'write');
  return true;
}

/**
 * Removes documents of an owner, their drafts and everything that searches know of both. An ingest
 * that runs finds its draft gone and writes no more.
 * @param which the condition on `documents`
 */
export function deleteDocuments(userId: string, which: SQL): Statement[] {
  const isTheirs = and(eq(documents.userId, userId), which);
  const ids = query.select({ id: documents.id }).from(documents).where(isTheirs);
  const isDraft = inArray(documentDrafts.documentId, ids);
  const visible = query
    .select({ chunks: sql`coalesce(sum(${documents.chunkCount}), 0)` })
    .from(documents)
    .where(and(isTheirs, isNotNull(documents.version)));
  return [
    ...removeChunks(userId, documentDrafts, isDraft),
    ...removeChunks(userId, documents, which),
    statement(
      query
        .update(owners)
        .set({
          chunkCount: sql`${owners.chunkCount} - ${visible}`,
          revision: sql`${owners.revision} + 1`,
        })
        .where(eq(owners.userId, userId)),
    ),
    statement(query.delete(documentDrafts).where(isDraft)),
    statement(query.delete(documents).where(isTheirs)),
  ];
}

/** Selects the id of a document, where it is there. */
export function selectDocumentId(id: string): Statement {
  return statement(query.select({ id: documents.id }).from(documents).where(eq(documents.id, id)));
}
