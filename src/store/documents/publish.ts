/** Makes drafts visible to searches: one transaction replaces the old chunks by theirs. */
import { and, eq, exists, inArray, sql, type SQL } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { Document } from '../../core/document.ts';
import type { Database, Statement } from '../database.ts';
import { unlessRefused } from '../guard.ts';
import { batch, now, query, statement } from '../query.ts';
import { documentDrafts, documents } from '../schema.ts';
import { owners } from '../search/tables.ts';
import { removeChunks, type Draft } from './chunks.ts';
import { documentFrom, selectDocuments } from './documents.ts';
import { fence, storeChunks, type Progress } from './write-draft.ts';

/**
 * Stores the last chunks and makes the whole version what searches see, the old one's chunks gone.
 * @returns the document, undefined when the draft is gone
 */
export async function publishDraft(
  db: Database,
  draft: Draft,
  progress: Progress,
): Promise<Document | undefined> {
  const { documentId, userId } = draft;
  const published = batch(
    db,
    [
      fence(draft),
      storeChunks(draft, progress),
      publish(userId, eq(documentDrafts.documentId, documentId)),
      // What was just published is not interrupted, whatever the lease.
      selectDocuments(0).where(eq(documents.id, documentId)),
    ],
    'write',
  );
  const row = (await unlessRefused(published))?.[3][0];
  return row && documentFrom(row);
}

/**
 * Makes drafts of one owner visible, all at once.
 * @param which the condition on `document_drafts`
 */
export function publish(userId: string, which: SQL | undefined): Statement[] {
  const isTheirs = and(eq(documentDrafts.userId, userId), which);
  const ids = query.select({ id: documentDrafts.documentId }).from(documentDrafts).where(isTheirs);
  const { chunkCount } = documentDrafts;
  const replaced = sql`case when ${documents.version} is null then 0 else ${documents.chunkCount} end`;
  const gained = query
    .select({ chunks: sql`coalesce(sum(${chunkCount} - ${replaced}), 0)` })
    .from(documentDrafts)
    .innerJoin(documents, eq(documents.id, documentDrafts.documentId))
    .where(isTheirs);
  const revision = sql`(select ${owners.revision} from ${owners} where ${eq(owners.userId, userId)})`;
  // To move a document to another space does not change it.
  const updatedAt = described(documents.updatedAt, now);
  return [
    ...removeChunks(userId, documents, inArray(documents.id, ids)),
    statement(
      query
        .update(owners)
        .set({
          chunkCount: sql`${owners.chunkCount} + ${gained}`,
          revision: sql`${owners.revision} + 1`,
        })
        .where(and(eq(owners.userId, userId), exists(ids))),
    ),
    statement(
      query
        .update(documents)
        .set({ ...PUBLISHED, revision, status: 'ready', error: null, updatedAt })
        .from(documentDrafts)
        .where(and(eq(documents.id, documentDrafts.documentId), isTheirs)),
    ),
    statement(query.delete(documentDrafts).where(isTheirs)),
  ];
}

/** The columns that a document takes over from its draft. */
const PUBLISHED = {
  version: documentDrafts.version,
  title: documentDrafts.title,
  url: described(documents.url, documentDrafts.url),
  mimeType: described(documents.mimeType, documentDrafts.mimeType),
  metadata: described(documents.metadata, documentDrafts.metadata),
  contentHash: documentDrafts.contentHash,
  size: documentDrafts.size,
  charset: documentDrafts.charset,
  language: documentDrafts.language,
  chunkCount: documentDrafts.chunkCount,
  embeddingModel: documentDrafts.embeddingModel,
  dimension: documentDrafts.dimension,
  analysis: documentDrafts.analysis,
  text: documentDrafts.text,
} satisfies Record<Exclude<keyof typeof documentDrafts.$inferSelect, DraftsOwn>, unknown>;

/** The columns that only drafts have, or that both have already. */
type DraftsOwn = 'documentId' | 'userId' | 'purpose' | 'done' | 'heartbeatAt';

/**
 * Takes the draft's description after an ingest. After a reindex the document keeps its own, which
 * may have changed since the draft copied it.
 */
function described(stored: SQLiteColumn, drafted: SQLiteColumn | SQL): SQL {
  return sql`case ${documentDrafts.purpose} when 'ingest' then ${drafted} else ${stored} end`;
}
