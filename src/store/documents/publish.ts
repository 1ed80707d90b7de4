/**
 * How a draft becomes what searches see: its chunks are stored under a version that nobody sees, and one transaction makes them visible in place of
 * the old ones. Every write begins by making sure that the draft is still the one it was, so that a writer that was overtaken, or whose document was deleted,
 * leaves nothing behind.
 */
import type { Document } from '../../core/document.ts';
import type { Failure } from '../../core/errors.ts';
import { writeChunksBatch, type Draft } from './write-chunks.ts';
import { NOW, type Database, type ResultSet, type Statement } from '../database.ts';
import { documentFrom, removeChunks, selectDocuments } from './documents.ts';
import type { NewChunk } from '../search/candidates.ts';

/** Our guards end a batch by parsing what is no JSON: SQLite has no other way of refusing one in plain SQL. */
export function isRefusedByGuard(error: unknown): boolean {
  return error instanceof Error && error.message.includes('malformed JSON');
}

/** The statement that says that the work on a draft goes on. */
export function beat({ documentId, version }: Draft): Statement {
  return {
    sql: `UPDATE document_drafts SET heartbeat_at = ${NOW} WHERE document_id = ? AND version = ?`,
    args: [documentId, version],
  };
}

/** Says that the work on a draft goes on. */
export async function renewDraft(db: Database, draft: Draft): Promise<void> {
  await db.batch([beat(draft)], 'write', 0);
}

/** Ends the batch unless the draft is still there and its version the same. */
function fence({ documentId, version }: Draft): Statement {
  return {
    sql: `SELECT json(coalesce((SELECT '1' FROM document_drafts WHERE document_id = ? AND version = ?), 'overtaken'))`,
    args: [documentId, version],
  };
}

/** Runs statements for a draft. @returns undefined when it is gone: overtaken, deleted, or published already by a batch whose answer was lost */
async function fenced(
  db: Database,
  draft: Draft,
  statements: Statement[],
): Promise<ResultSet[] | undefined> {
  try {
    return await db.batch([fence(draft), ...statements], 'write');
  } catch (error) {
    if (isRefusedByGuard(error)) return undefined;
    throw error;
  }
}

export interface Progress {
  chunks: readonly NewChunk[];
  /** Chunks stored with these. */
  done: number;
  /** Of the vectors; null where there are none among these, all having been stored before. */
  dimension: number | null;
}

function storeChunks(draft: Draft, { chunks, done, dimension }: Progress): Statement[] {
  return [
    ...writeChunksBatch(draft, chunks),
    {
      sql: `UPDATE document_drafts SET done = ?, dimension = coalesce(?, dimension), heartbeat_at = ${NOW} WHERE document_id = ?`,
      args: [done, dimension, draft.documentId],
    },
  ];
}

/** Stores chunks that nobody sees yet. @returns false when the draft is gone */
export async function appendToDraft(
  db: Database,
  draft: Draft,
  progress: Progress,
): Promise<boolean> {
  return (await fenced(db, draft, storeChunks(draft, progress))) !== undefined;
}

/** Stores the last chunks and makes the whole version what searches see, the old one's chunks gone. @returns the document, undefined when the draft is gone */
export async function publishDraft(
  db: Database,
  draft: Draft,
  progress: Progress,
): Promise<Document | undefined> {
  const { documentId, userId } = draft;
  const results = await fenced(db, draft, [
    ...storeChunks(draft, progress),
    ...publishStatements(userId, 'p.document_id = ?', [documentId]),
    // What was just published is not interrupted, whatever the lease.
    selectDocuments('d.id = ?', [documentId], 0),
  ]);
  const row = results?.at(-1)?.rows[0];
  return row && documentFrom(row);
}

/** What may change while a document is only embedded again: such a draft's copy is as old as the draft. */
const DESCRIPTION = ['url', 'mime_type', 'metadata']
  .map(
    (column) =>
      `${column} = CASE p.purpose WHEN 'ingest' THEN p.${column} ELSE documents.${column} END`,
  )
  .join(', ');

/** @param condition on `document_drafts p`: all of these, of one owner, become visible at once */
export function publishStatements(
  userId: string,
  condition: string,
  values: Statement['args'],
): Statement[] {
  const where = `p.user_id = ? AND ${condition}`;
  const args = [userId, ...values];
  const which = `SELECT p.document_id FROM document_drafts p WHERE ${where}`;
  return [
    ...removeChunks(userId, { source: 'documents v', where: `v.id IN (${which})`, args }),
    {
      sql: `UPDATE owners SET chunk_count = chunk_count + (SELECT sum(p.chunk_count - CASE WHEN d.version IS NULL THEN 0 ELSE d.chunk_count END)
          FROM document_drafts p JOIN documents d ON d.id = p.document_id WHERE ${where})
        WHERE user_id = ? AND EXISTS (${which})`,
      args: [...args, userId, ...args],
    },
    {
      sql: `UPDATE documents SET version = p.version, title = p.title, ${DESCRIPTION},
          content_hash = p.content_hash, size = p.size, charset = p.charset, chunk_count = p.chunk_count, embedding_model = p.embedding_model, dimension = p.dimension,
          text = p.text, status = 'ready', error = NULL, updated_at = ${NOW}
        FROM document_drafts p WHERE p.document_id = documents.id AND ${where}`,
      args,
    },
    { sql: `DELETE FROM document_drafts AS p WHERE ${where}`, args },
  ];
}

/** Says that the work on a draft failed; what it has stored is kept for the next try. */
export async function failDraft(db: Database, draft: Draft, failure: Failure): Promise<void> {
  await fenced(db, draft, [
    {
      sql: `UPDATE documents SET status = 'failed', error = ?, updated_at = ${NOW} WHERE id = ?`,
      args: [JSON.stringify(failure), draft.documentId],
    },
  ]);
}

/** Changes what searches need not know again. */
export async function describeDocument(
  db: Database,
  { id, url, metadata }: Pick<Document, 'id' | 'url' | 'metadata'>,
): Promise<void> {
  const sql = `UPDATE documents SET url = ?, metadata = ?, updated_at = ${NOW} WHERE id = ?`;
  await db.batch([{ sql, args: [url, JSON.stringify(metadata), id] }], 'write');
}
