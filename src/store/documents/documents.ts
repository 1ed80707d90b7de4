/** Documents as their owners see them: reading, listing, deleting. How one comes to be is in `ingest.ts`. */
import type { Document } from '../../core/document.ts';
import type { Failure } from '../../core/errors.ts';
import type { Json } from '../../core/parts.ts';
import { pageOf, type Page } from '../page.ts';
import { NOW, type Database, type Statement } from '../database.ts';
import { failureFrom, number, optionalNumber, optionalText, text, type Row } from '../rows.ts';
import { wordTable } from '../search/tables.ts';

const INTERRUPTED: Failure = {
  code: 'ingest_interrupted',
  detail: 'The ingest was interrupted; send the document again and it goes on where it was',
};

/** Of `documents d` and `document_drafts p`: everything but the texts. Takes one argument, the lease in milliseconds. */
const DOCUMENT_COLUMNS = `d.id, d.user_id, d.conversation_id, d.version, d.title, d.url, d.mime_type, d.metadata, d.content_hash, d.size, d.charset,
  d.chunk_count, d.embedding_model, d.dimension, d.status, d.error, d.created_at, d.updated_at,
  p.done, p.chunk_count AS total, coalesce(p.heartbeat_at, 0) < ${NOW} - ? AS is_stale`;

const DOCUMENTS = `documents d LEFT JOIN document_drafts p ON p.document_id = d.id AND p.purpose = 'ingest'`;

export function documentFrom(row: Row): Document {
  const interrupted = row['status'] === 'processing' && row['is_stale'] === 1;
  // Statuses are written by this program alone, through the same type.
  const status = interrupted ? 'failed' : (text(row['status']) as Document['status']);
  const total = optionalNumber(row['total']);
  return {
    id: text(row['id']),
    userId: text(row['user_id']),
    conversationId: optionalText(row['conversation_id']),
    title: text(row['title']),
    url: optionalText(row['url']),
    mimeType: text(row['mime_type']),
    // Parsed by the door's schema before it was written.
    metadata: JSON.parse(text(row['metadata'])) as Record<string, Json>,
    contentHash: text(row['content_hash']),
    size: number(row['size']),
    charset: optionalText(row['charset']),
    status,
    error: interrupted ? INTERRUPTED : failureFrom(row['error']),
    isSearchable: row['version'] !== null,
    chunkCount: number(row['chunk_count']),
    embeddingModel: optionalText(row['embedding_model']),
    dimension: optionalNumber(row['dimension']),
    progress: total === null ? undefined : { done: number(row['done']), total },
    createdAt: number(row['created_at']),
    updatedAt: number(row['updated_at']),
  };
}

/** Selects documents. @param where a condition on `d`, with what follows it */
export function selectDocuments(
  where: string,
  args: Statement['args'],
  leaseMs: number,
  columns = '',
): Statement {
  return {
    sql: `SELECT ${DOCUMENT_COLUMNS}${columns} FROM ${DOCUMENTS} WHERE ${where}`,
    args: [leaseMs, ...args],
  };
}

const MINE = 'd.id = ? AND (? IS NULL OR d.user_id = ?)';

/** @param leaseMs how long an ingest may be silent before it counts as interrupted */
export async function readDocument(
  db: Database,
  { id, userId, leaseMs }: { id: string; userId: string | null; leaseMs: number },
): Promise<Document | undefined> {
  const [result] = await db.batch([selectDocuments(MINE, [id, userId, userId], leaseMs)], 'read');
  const row = result?.rows[0];
  return row && documentFrom(row);
}

/** The text that searches see the chunks of, and that their offsets point into; undefined when there is none for this user. */
export async function readDocumentText(
  db: Database,
  { id, userId }: { id: string; userId: string | null },
): Promise<string | undefined> {
  const sql = `SELECT d.text FROM documents d WHERE ${MINE} AND d.version IS NOT NULL`;
  const [result] = await db.batch([{ sql, args: [id, userId, userId] }], 'read');
  return optionalText(result?.rows[0]?.['text']) ?? undefined;
}

/** A user's documents, newest first. @param cursor the last id of the page before */
export async function listDocuments(
  db: Database,
  {
    userId,
    conversationId,
    limit,
    cursor,
    leaseMs,
  }: {
    userId: string;
    conversationId?: string;
    limit: number;
    cursor?: string;
    leaseMs: number;
  },
): Promise<Page<Document>> {
  const conditions = ['d.user_id = ?'];
  const args: Statement['args'] = [userId];
  if (conversationId !== undefined) {
    conditions.push('d.conversation_id = ?');
    args.push(conversationId);
  }
  if (cursor !== undefined) {
    conditions.push('d.id < ?');
    args.push(cursor);
  }
  const where = `${conditions.join(' AND ')} ORDER BY d.id DESC LIMIT ?`;
  const [result] = await db.batch([selectDocuments(where, [...args, limit + 1], leaseMs)], 'read');
  return pageOf(result?.rows ?? [], limit, documentFrom, (document) => document.id);
}

/** Deletes a document with all that searches know of it; false when there is none for this user. */
export async function deleteDocument(
  db: Database,
  { id, userId, leaseMs }: { id: string; userId: string | null; leaseMs: number },
): Promise<boolean> {
  // Looked for in a request of its own: a deletion that is repeated, because its answer was lost, finds nothing any more.
  const found = await readDocument(db, { id, userId, leaseMs });
  if (!found) return false;
  const condition = { where: 'd.id = ?', args: [id] };
  await db.batch(deleteDocumentStatements(found.userId, condition), 'write');
  return true;
}

/**
 * Removes documents of an owner, their drafts and everything that searches know of both, words and vectors included. An ingest that runs finds its draft gone
 * and writes no more.
 * @param condition on `documents d`
 */
export function deleteDocumentStatements(
  userId: string,
  condition: { where: string; args: Statement['args'] },
): Statement[] {
  const which = `SELECT d.id FROM documents d WHERE d.user_id = ? AND ${condition.where}`;
  const args = [userId, ...condition.args];
  return [
    ...removeChunks(userId, {
      source: 'document_drafts v',
      where: `v.document_id IN (${which})`,
      args,
    }),
    ...removeChunks(userId, { source: 'documents v', where: `v.id IN (${which})`, args }),
    {
      sql: `UPDATE owners SET chunk_count = chunk_count - (SELECT coalesce(sum(v.chunk_count), 0) FROM documents v
          WHERE v.user_id = owners.user_id AND v.version IS NOT NULL AND v.id IN (${which}))
        WHERE user_id = ?`,
      args: [...args, userId],
    },
    { sql: `DELETE FROM document_drafts WHERE document_id IN (${which})`, args },
    { sql: `DELETE FROM documents WHERE id IN (${which})`, args },
  ];
}

/**
 * Removes the chunks of an owner's versions from all three tables: a version is the id of its first chunk, and the ids are consecutive.
 * @param source the table, as `v`, that names the versions and their numbers of chunks
 */
export function removeChunks(
  userId: string,
  { source, where, args }: { source: string; where: string; args: Statement['args'] },
): Statement[] {
  const ids = `SELECT c.id FROM ${source} CROSS JOIN chunks c ON c.id BETWEEN v.version AND v.version + v.chunk_count - 1
    WHERE v.user_id = ? AND ${where}`;
  const all = [userId, ...args];
  return [
    { sql: `DELETE FROM ${wordTable(userId)} WHERE rowid IN (${ids})`, args: all },
    { sql: `DELETE FROM chunk_vectors WHERE id IN (${ids})`, args: all },
    { sql: `DELETE FROM chunks WHERE id IN (${ids})`, args: all },
  ];
}
