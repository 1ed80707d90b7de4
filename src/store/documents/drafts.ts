/**
 * The beginning of a draft, which is a version in the making: ids are reserved for its chunks,
 * which are stored under a version that nobody sees. `write-draft.ts` has its later writes,
 * `resume.ts` resumes an interrupted one, and `publish.ts` makes one visible.
 */
import { and, eq, exists, sql, type SQL } from 'drizzle-orm';
import type { DocumentContent } from '../../core/document.ts';
import { ParleyError } from '../../core/errors.ts';
import type { Database, Statement } from '../database.ts';
import { isRefusedByGuard, refuseUnless } from '../guard.ts';
import { rememberKey, type Key } from '../idempotency-keys.ts';
import { batch, now, prepare, query, selectRow, statement, type Given } from '../query.ts';
import { documentDrafts, documents } from '../schema.ts';
import { CHUNKS_PER_OWNER, owners } from '../search/tables.ts';
import { removeChunks, type Draft } from './chunks.ts';
import { selectDocumentId } from './documents.ts';

/** The content to be ingested. */
export interface DraftContent extends DocumentContent {
  /** `provider/model` of the vectors to come. */
  embeddingModel: string;
  /** The version of what made chunks and words of the text; null if they are to be made again. */
  analysis: number | null;
  chunkCount: number;
}

/**
 * Gives an owner a number, once. Numbers are never given twice. The revisions of an owner who comes
 * back after a deletion go on above those of before, which a process may remember.
 */
export function insertOwner(userId: string): Statement {
  return insertOwnerOnce({ userId });
}

const insertOwnerOnce = prepare(({ userId }: Given<'userId'>) => {
  const number = sql`coalesce(max(${owners.number}), 0) + 1`;
  const next = sql`select ${userId}, ${number}, 0, 0, (${number}) * ${CHUNKS_PER_OWNER}
    from ${owners} where true`;
  const insert = query.insert(owners).select(next);
  return insert.onConflictDoNothing({ target: owners.userId });
});

/** Ends the batch where an owner's stretch of ids has no room: behind it is another's. */
export const guardRoom = prepare(({ userId, chunkCount }: Given<'userId' | 'chunkCount'>) => {
  const room = query.select({
    left: sql`${owners.lastChunk} + ${chunkCount} < ${CHUNKS_PER_OWNER}`,
  });
  return refuseUnless(sql`coalesce(${room.from(owners).where(eq(owners.userId, userId))}, 1)`);
});

/** Reserves ids for the chunks of a draft; nothing where no document meets the condition. */
export function reserveIds(userId: string, chunkCount: number, which: SQL): Statement[] {
  const { lastChunk } = owners;
  const isOwner = eq(owners.userId, userId);
  const hasDocument = exists(query.select({ id: documents.id }).from(documents).where(which));
  return [
    guardRoom({ userId, chunkCount }),
    statement(
      query
        .update(owners)
        .set({ lastChunk: sql`${lastChunk} + ${chunkCount}` })
        .where(and(isOwner, hasDocument)),
    ),
  ];
}

/** Returns the first of the ids that were reserved last, in a statement that joins the owner. */
export function firstReserved(chunkCount: number): SQL {
  return sql`${owners.number} * ${CHUNKS_PER_OWNER} + ${owners.lastChunk} - ${chunkCount} + 1`;
}

/** Reserves ids and makes the draft of the document that meets the condition, if one does. */
export function insertDraft(
  { userId, ...content }: DraftContent & { userId: string },
  which: SQL,
): Statement[] {
  const row = selectRow(documentDrafts, {
    ...content,
    documentId: documents.id,
    userId: documents.userId,
    version: firstReserved(content.chunkCount),
    dimension: null,
    purpose: 'ingest',
    done: 0,
    heartbeatAt: now,
  });
  const select = sql`${row} from ${documents}
    join ${owners} on ${owners.userId} = ${documents.userId}
    where ${documents.userId} = ${userId} and ${which}`;
  return [
    ...reserveIds(userId, content.chunkCount, which),
    statement(query.insert(documentDrafts).select(select)),
  ];
}

/**
 * Runs a batch that reserves ids.
 * @throws ParleyError `payload_too_large` when the owner has had too many chunks
 */
export async function refuseWhenFull<Results>(results: Promise<Results>): Promise<Results> {
  try {
    return await results;
  } catch (error) {
    if (!isRefusedByGuard(error)) throw error;
    const detail = 'This user has had more document chunks than the database keeps apart';
    throw new ParleyError({ code: 'payload_too_large', detail }, { cause: error });
  }
}

/** Says that a document is being ingested. */
export function markProcessing(documentId: string, userId: string): Statement {
  const change = { status: 'processing', error: null, updatedAt: now } as const;
  const isMine = and(eq(documents.id, documentId), eq(documents.userId, userId));
  return statement(query.update(documents).set(change).where(isMine));
}

interface Replacement {
  documentId: string;
  content: DraftContent & { userId: string };
  idempotency?: Key | undefined;
}

/**
 * Begins the replacement of a document: a draft of new content in place of any that there was.
 * @returns undefined when the document is gone
 * @throws ParleyError `payload_too_large` when its owner has had too many chunks
 */
export async function replaceDraft(
  db: Database,
  { documentId, content, idempotency }: Replacement,
): Promise<Draft | undefined> {
  const { userId } = content;
  const isReplaced = eq(documentDrafts.documentId, documentId);
  const isMine = and(isReplaced, eq(documentDrafts.userId, userId));
  const results = batch(
    db,
    [
      removeChunks(userId, documentDrafts, isReplaced),
      query.delete(documentDrafts).where(isMine),
      insertDraft(content, eq(documents.id, documentId)),
      markProcessing(documentId, userId),
      idempotency ? [rememberKey(idempotency, selectDocumentId(documentId))] : [],
      query.select({ version: documentDrafts.version }).from(documentDrafts).where(isMine),
    ],
    'write',
  );
  const [made] = (await refuseWhenFull(results))[5];
  return made && { documentId, userId, version: made.version };
}
