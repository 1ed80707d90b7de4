/** Embedding again what another model embedded: each document gets a draft with the same chunks and new vectors, and all of an owner are published at once. */
import { NOW, type Database } from '../database.ts';
import type { Space } from '../search/scope.ts';
import { reserveIds } from './register.ts';
import type { Draft } from './write-chunks.ts';
import { removeChunks } from './documents.ts';
import { publishStatements } from './publish.ts';
import { number, optionalNumber, text } from '../rows.ts';
import { BYTES_PER_NUMBER, ownerStatement } from '../search/candidates.ts';

/** A document whose vectors are of another space. */
export interface Outdated {
  id: string;
  userId: string;
  title: string;
  version: number;
  chunkCount: number;
  /** What an earlier run has made of it. */
  draft: { version: number; done: number } | undefined;
}

export interface Backlog {
  documents: number;
  chunks: number;
}

/** Takes the model, the dimension, and the dimension again: a document may say that it is of this space while some of its vectors are not. */
const OUTDATED = `d.version IS NOT NULL AND (d.embedding_model IS NOT ? OR d.dimension IS NOT ? OR EXISTS (SELECT 1 FROM chunk_vectors v
  WHERE v.id BETWEEN d.version AND d.version + d.chunk_count - 1 AND length(v.embedding) <> ${BYTES_PER_NUMBER} * ?))`;
/** A draft of ours. Takes the model and the dimension. */
const PREPARED = `p.purpose = 'reindex' AND p.embedding_model = ? AND p.dimension = ?`;
/** One of the text that is visible now. */
const OURS = `${PREPARED} AND p.content_hash = d.content_hash AND p.title = d.title AND p.chunk_count = d.chunk_count`;

/** How much there is to do, with what is prepared already. */
export async function countOutdated(db: Database, { model, dimension }: Space): Promise<Backlog> {
  const sql = `SELECT count(*) AS documents, coalesce(sum(d.chunk_count), 0) AS chunks FROM documents d WHERE ${OUTDATED}`;
  const [result] = await db.batch([{ sql, args: [model, dimension, dimension] }], 'read');
  const row = result?.rows[0];
  return { documents: number(row?.['documents']), chunks: number(row?.['chunks']) };
}

/**
 * Outdated documents that are not prepared, in the order of their ids. One that is just being replaced is left out: it comes up again, if it still has to.
 * @param after the last id before
 */
export async function listOutdated(
  db: Database,
  space: Space,
  { after, limit, leaseMs }: { after: string; limit: number; leaseMs: number },
): Promise<Outdated[]> {
  const { model, dimension } = space;
  const ours = [model, dimension];
  const [result] = await db.batch(
    [
      {
        sql: `SELECT d.id, d.user_id, d.title, d.version, d.chunk_count, CASE WHEN ${OURS} THEN p.version END AS draft_version, p.done
          FROM documents d LEFT JOIN document_drafts p ON p.document_id = d.id
          WHERE ${OUTDATED} AND d.id > ? AND NOT coalesce(${OURS} AND p.done = p.chunk_count, 0)
            AND NOT coalesce(p.purpose = 'ingest' AND d.status = 'processing' AND p.heartbeat_at > ${NOW} - ?, 0)
          ORDER BY d.id LIMIT ?`,
        args: [...ours, model, dimension, dimension, after, ...ours, leaseMs, limit],
      },
    ],
    'read',
  );
  return (result?.rows ?? []).map((row) => {
    const version = optionalNumber(row['draft_version']);
    return {
      id: text(row['id']),
      userId: text(row['user_id']),
      title: text(row['title']),
      version: number(row['version']),
      chunkCount: number(row['chunk_count']),
      draft: version === null ? undefined : { version, done: number(row['done']) },
    };
  });
}

/** Makes the draft, in place of one that failed. Undefined when the document has changed meanwhile. */
export async function startReindex(
  db: Database,
  { id, userId, version, chunkCount }: Outdated,
  { model, dimension }: Space,
): Promise<Draft | undefined> {
  const unchanged = { sql: 'd.id = ? AND d.version = ?', args: [id, version] };
  const { guard, reserve, first } = reserveIds({ userId, chunkCount, where: unchanged });
  const results = await db.batch(
    [
      ownerStatement(userId),
      ...removeChunks(userId, {
        source: 'document_drafts v',
        where: 'v.document_id = ?',
        args: [id],
      }),
      guard,
      reserve,
      {
        sql: `INSERT OR REPLACE INTO document_drafts (document_id, user_id, version, title, url, mime_type, metadata, content_hash, size, charset, chunk_count,
            embedding_model, dimension, purpose, done, heartbeat_at, text)
          SELECT d.id, d.user_id, ${first}, d.title, d.url, d.mime_type, d.metadata, d.content_hash, d.size, d.charset, d.chunk_count,
            ?, ?, 'reindex', 0, ${NOW}, d.text
          FROM documents d JOIN owners o ON o.user_id = d.user_id WHERE ${unchanged.sql}`,
        args: [chunkCount, model, dimension, ...unchanged.args],
      },
      {
        sql: `SELECT version FROM document_drafts WHERE document_id = ? AND purpose = 'reindex'`,
        args: [id],
      },
    ],
    'write',
  );
  const made = optionalNumber(results.at(-1)?.rows[0]?.['version']);
  return made === null ? undefined : { documentId: id, userId, version: made };
}

export interface StoredChunk {
  ordinal: number;
  start: number;
  end: number;
  headings: string[];
  text: string;
}

/** Chunks of a version from an ordinal on. */
export async function readChunks(
  db: Database,
  version: number,
  { from, limit }: { from: number; limit: number },
): Promise<StoredChunk[]> {
  const [result] = await db.batch(
    [
      {
        sql: `SELECT ordinal, start_offset, end_offset, headings, text FROM chunks WHERE version = ? AND ordinal >= ? ORDER BY ordinal LIMIT ?`,
        args: [version, from, limit],
      },
    ],
    'read',
  );
  return (result?.rows ?? []).map((row) => ({
    ordinal: number(row['ordinal']),
    start: number(row['start_offset']),
    end: number(row['end_offset']),
    // Written by `chunkStatements` alone.
    headings: JSON.parse(text(row['headings'])) as string[],
    text: text(row['text']),
  }));
}

/** Makes all that is prepared in a space visible: each owner's documents in one transaction, so that no search meets two spaces. */
export async function publishReindexed(db: Database, { model, dimension }: Space): Promise<void> {
  const ready = `${PREPARED} AND p.done = p.chunk_count
    AND EXISTS (SELECT 1 FROM documents x WHERE x.id = p.document_id AND x.content_hash = p.content_hash AND x.title = p.title)`;
  const owners = `SELECT DISTINCT p.user_id FROM document_drafts p WHERE ${ready}`;
  const [result] = await db.batch([{ sql: owners, args: [model, dimension] }], 'read');
  for (const row of result?.rows ?? [])
    await db.batch(publishStatements(text(row['user_id']), ready, [model, dimension]), 'write');
}
