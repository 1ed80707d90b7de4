/**
 * The writes that make a draft. Every write begins with a fence, so that a writer that was
 * overtaken, or whose document was deleted, leaves nothing behind.
 */
import { and, eq, exists, type SQL } from 'drizzle-orm';
import type { Failure } from '../../core/errors.ts';
import type { LedgerEntry } from '../../core/ledger.ts';
import type { Database, Statement } from '../database.ts';
import { guard, unlessRefused } from '../guard.ts';
import { batch, now, query, statement } from '../query.ts';
import { documentDrafts, documents } from '../schema.ts';
import { recordCalls } from '../usage/ledger.ts';
import { writeChunks, type Draft, type NewChunk } from './chunks.ts';

/** Returns the condition that a draft is there, and its version the same. */
export function isDraft({ documentId, version }: Draft): SQL | undefined {
  return and(eq(documentDrafts.documentId, documentId), eq(documentDrafts.version, version));
}

/** Ends the batch unless the draft is there: it may be overtaken, deleted, or published. */
export function fence(draft: Draft): Statement {
  const { documentId } = documentDrafts;
  return guard(exists(query.select({ documentId }).from(documentDrafts).where(isDraft(draft))));
}

/** Returns the statement that says that the work on a draft goes on. */
export function beat(draft: Draft): Statement {
  return statement(query.update(documentDrafts).set({ heartbeatAt: now }).where(isDraft(draft)));
}

/** Says that the work on a draft goes on. */
export async function renewDraft(db: Database, draft: Draft): Promise<void> {
  await batch(db, [beat(draft)], 'write', 0);
}

export interface Progress {
  chunks: readonly NewChunk[];
  /** Chunks stored with these. */
  done: number;
  /** Of the vectors; null where there are none among these, all having been stored before. */
  dimension: number | null;
  /** The calls of the model that embedded these. */
  calls: readonly LedgerEntry[];
}

/** Returns the statements that store chunks of a draft. */
export function storeChunks(
  draft: Draft,
  { chunks, done, dimension, calls }: Progress,
): Statement[] {
  const change = { done, dimension: dimension ?? undefined, heartbeatAt: now };
  const isIts = eq(documentDrafts.documentId, draft.documentId);
  return [
    ...writeChunks(draft, chunks),
    ...recordCalls(calls),
    statement(query.update(documentDrafts).set(change).where(isIts)),
  ];
}

/** Stores chunks that nobody sees yet. @returns false when the draft is gone */
export async function appendToDraft(
  db: Database,
  draft: Draft,
  progress: Progress,
): Promise<boolean> {
  const stored = batch(db, [fence(draft), storeChunks(draft, progress)], 'write');
  return (await unlessRefused(stored)) !== undefined;
}

/** Says that the work on a draft failed; what it has stored is kept for the next try. */
export async function failDraft(db: Database, draft: Draft, error: Failure): Promise<void> {
  const change = { status: 'failed', error, updatedAt: now } as const;
  const fail = query.update(documents).set(change).where(eq(documents.id, draft.documentId));
  await unlessRefused(batch(db, [fence(draft), fail], 'write'));
}
