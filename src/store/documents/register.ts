/** How a draft of a document begins: with a new document, or in place of another draft. How one is gone on with is in `resume-draft.ts`. */
import type { Draft } from './write-chunks.ts';
import { ParleyError } from '../../core/errors.ts';
import { NOW, type Database, type ResultSet, type Statement } from '../database.ts';
import { removeChunks, selectDocuments } from './documents.ts';
import { isRefusedByGuard } from './publish.ts';
import { KNOWN_RESOURCE, rememberKey, selectFingerprint, type Key } from '../idempotency-keys.ts';
import { optionalNumber, optionalText } from '../rows.ts';
import { ownerStatement } from '../search/candidates.ts';
import { CHUNKS_PER_OWNER } from '../search/tables.ts';
import { DRAFT_COLUMNS, standingFrom, type DraftContent, type Standing } from './state.ts';

export interface NewDocument extends DraftContent {
  id: string;
  userId: string;
  conversationId: string | null;
}

export type Registered =
  | { kind: 'known' | 'created'; standing: Standing }
  | { kind: 'key_reused' }
  /** What the same request made before is gone. */
  | { kind: 'deleted' }
  | { kind: 'no_conversation' };

/**
 * Makes a document and its draft, or finds the one with the same text and title in the same place, or the one that the same key made before.
 * @throws ParleyError `payload_too_large` when its owner has had too many chunks
 */
export async function registerDocument(
  db: Database,
  document: NewDocument,
  { leaseMs, idempotency }: { leaseMs: number; idempotency?: Key | undefined },
): Promise<Registered> {
  const { id, userId, conversationId } = document;
  const { scope = '', key = '', fingerprint = '' } = idempotency ?? {};
  const same = `SELECT s.id FROM documents s WHERE s.user_id = ? AND s.content_hash = ? AND s.title = ? AND s.conversation_id IS ? ORDER BY s.id LIMIT 1`;
  const sameArgs = [userId, document.contentHash, document.title, conversationId];
  const conversation = `SELECT 1 FROM conversations WHERE id = ? AND user_id = ?`;
  const target = `coalesce((${KNOWN_RESOURCE}), (${same}))`;
  const targetArgs = [scope, key, ...sameArgs];
  const results = await inFull(db, [
    ownerStatement(userId),
    {
      sql: `INSERT INTO documents (id, user_id, conversation_id, title, url, mime_type, metadata, content_hash, size, charset, chunk_count, status, created_at, updated_at, text)
        SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 'processing', ${NOW}, ${NOW}, ''
        WHERE ${target} IS NULL AND (? IS NULL OR EXISTS (${conversation})) ON CONFLICT DO NOTHING`,
      args: [
        ...[id, userId, conversationId, document.title, document.url, document.mimeType],
        ...[JSON.stringify(document.metadata), document.contentHash],
        ...[document.size, document.charset],
        ...targetArgs,
        ...[conversationId, conversationId, userId],
      ],
    },
    ...draftStatements(document, {
      sql: `d.id = ? AND NOT EXISTS (SELECT 1 FROM document_drafts WHERE document_id = d.id)`,
      args: [id],
    }),
    ...(idempotency ? [rememberKey(idempotency, { sql: same, args: sameArgs })] : []),
    selectFingerprint({ scope, key }),
    { sql: conversation, args: [conversationId, userId] },
    selectDocuments(
      `d.id = ${target} AND d.user_id = ?`,
      [...targetArgs, userId],
      leaseMs,
      DRAFT_COLUMNS,
    ),
  ]);
  const [stored, conversations, found] = results.slice(-3);
  const storedFingerprint = optionalText(stored?.rows[0]?.['fingerprint']);
  if (storedFingerprint !== null && storedFingerprint !== fingerprint)
    return { kind: 'key_reused' };
  const row = found?.rows[0];
  if (row) {
    const standing = standingFrom(row);
    return { kind: standing.document.id === id ? 'created' : 'known', standing };
  }
  if (conversationId !== null && conversations?.rows.length === 0)
    return { kind: 'no_conversation' };
  if (storedFingerprint !== null) return { kind: 'deleted' };
  throw new TypeError('a document was neither made nor found');
}

/**
 * The ids of a draft's chunks: a guard against running out of them, their reservation, and the first one, as an expression for a statement that has the
 * owner as `o`; it takes one argument, the number of chunks.
 * @param where on `documents d`: reserves nothing where there is none
 */
export function reserveIds({
  userId,
  chunkCount,
  where,
}: {
  userId: string;
  chunkCount: number;
  where: { sql: string; args: Statement['args'] };
}) {
  return {
    guard: {
      // The stretch of ids behind an owner's is another's.
      sql: `SELECT json(CASE WHEN last_chunk + ? < ${CHUNKS_PER_OWNER} THEN '1' ELSE 'the owner has no ids left' END) FROM owners WHERE user_id = ?`,
      args: [chunkCount, userId],
    },
    reserve: {
      sql: `UPDATE owners SET last_chunk = last_chunk + ? WHERE user_id = ? AND EXISTS (SELECT 1 FROM documents d WHERE ${where.sql})`,
      args: [chunkCount, userId, ...where.args],
    },
    first: `o.number * ${CHUNKS_PER_OWNER} + o.last_chunk - ? + 1`,
  };
}

/** Reserves ids and makes the draft of the document that `where` (on `documents d`) names, if it names one. */
function draftStatements(
  content: DraftContent & { userId: string },
  where: { sql: string; args: Statement['args'] },
): Statement[] {
  const { userId, chunkCount } = content;
  const { guard, reserve, first } = reserveIds({ userId, chunkCount, where });
  return [
    guard,
    reserve,
    {
      sql: `INSERT OR REPLACE INTO document_drafts (document_id, user_id, version, title, url, mime_type, metadata, content_hash, size, charset, chunk_count,
          embedding_model, purpose, done, heartbeat_at, text)
        SELECT d.id, d.user_id, ${first}, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'ingest', 0, ${NOW}, ?
        FROM documents d JOIN owners o ON o.user_id = d.user_id WHERE d.user_id = ? AND ${where.sql}`,
      args: [
        ...[chunkCount, content.title, content.url, content.mimeType],
        ...[JSON.stringify(content.metadata), content.contentHash, content.size],
        ...[content.charset, chunkCount],
        ...[content.embeddingModel, content.text, userId, ...where.args],
      ],
    },
  ];
}

/** Runs a batch that reserves ids. */
async function inFull(db: Database, statements: Statement[]): Promise<ResultSet[]> {
  try {
    return await db.batch(statements, 'write');
  } catch (error) {
    if (!isRefusedByGuard(error)) throw error;
    const detail = 'This user has had more document chunks than the database keeps apart';
    throw new ParleyError({ code: 'payload_too_large', detail }, { cause: error });
  }
}

/** Takes the document and its owner. */
export const ACTIVE = `UPDATE documents SET status = 'processing', error = NULL, updated_at = ${NOW} WHERE id = ? AND user_id = ?`;

/** Begins the replacement of a document: a draft of new content in place of any that there was. Undefined when the document is gone. */
export async function replaceDraft(
  db: Database,
  {
    documentId,
    content,
    idempotency,
  }: {
    documentId: string;
    content: DraftContent & { userId: string };
    idempotency?: Key | undefined;
  },
): Promise<Draft | undefined> {
  const { userId } = content;
  const results = await inFull(db, [
    ...removeChunks(userId, {
      source: 'document_drafts v',
      where: 'v.document_id = ?',
      args: [documentId],
    }),
    ...draftStatements(content, { sql: 'd.id = ?', args: [documentId] }),
    { sql: ACTIVE, args: [documentId, userId] },
    ...(idempotency ? [rememberKey(idempotency, theDocument(documentId))] : []),
    {
      sql: 'SELECT version FROM document_drafts WHERE document_id = ? AND user_id = ?',
      args: [documentId, userId],
    },
  ]);
  const version = optionalNumber(results.at(-1)?.rows[0]?.['version']);
  return version === null ? undefined : { documentId, userId, version };
}

/** Remembers that a key was about a document for which nothing new had to be begun. */
export async function rememberDocument(
  db: Database,
  idempotency: Key,
  documentId: string,
): Promise<void> {
  await db.batch([rememberKey(idempotency, theDocument(documentId))], 'write');
}

function theDocument(id: string): Statement {
  return { sql: 'SELECT id FROM documents WHERE id = ?', args: [id] };
}
