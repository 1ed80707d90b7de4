/** Resumes a draft at the place where an earlier try ended. */
import { and, eq, exists, isNull, lt, ne, or, sql } from 'drizzle-orm';
import type { Database, Statement } from '../database.ts';
import { guard, unlessRefused } from '../guard.ts';
import { batch, now, query, statement } from '../query.ts';
import { documentDrafts, documents } from '../schema.ts';
import { BYTES_PER_NUMBER, chunks, chunkVectors } from '../search/tables.ts';
import { isChunkOf, type Draft } from './chunks.ts';
import { markProcessing, type DraftContent } from './drafts.ts';
import { beat, isDraft } from './write-draft.ts';

/** The description of a document; null or undefined leaves a field as it is. */
interface Description {
  url?: DraftContent['url'] | undefined;
  metadata?: DraftContent['metadata'] | undefined;
}

/** Chunks of a draft that are there. */
export interface StoredChunks {
  ordinals: ReadonlySet<number>;
  /** Of all their vectors; null where there are none. */
  dimension: number | null;
}

export const NONE_STORED: StoredChunks = { ordinals: new Set(), dimension: null };

interface Resumption {
  draft: Draft;
  description: Description;
  /** Milliseconds for which an ingest may be silent before it counts as interrupted. */
  leaseMs: number;
}

/**
 * Resumes a draft that nobody is at work on, described anew.
 * @returns what is there, undefined when somebody else was quicker
 */
export async function resumeDraft(
  db: Database,
  { draft, description, leaseMs }: Resumption,
): Promise<StoredChunks | undefined> {
  const resumed = batch(
    db,
    [
      guardIdle(draft, leaseMs),
      beat(draft),
      markProcessing(draft.documentId, draft.userId),
      describeDraft(draft, description),
      selectStored(draft),
    ],
    'write',
  );
  const results = await unlessRefused(resumed);
  return results && storedFrom(results[4]);
}

/** Ends the batch unless the draft is there and nobody is at work on it. */
function guardIdle(draft: Draft, leaseMs: number): Statement {
  const isSilent = lt(documentDrafts.heartbeatAt, sql`${now} - ${leaseMs}`);
  const isIdle = or(ne(documents.status, 'processing'), isSilent);
  const found = query
    .select({ id: documents.id })
    .from(documentDrafts)
    .innerJoin(documents, eq(documents.id, documentDrafts.documentId))
    .where(and(isDraft(draft), eq(documentDrafts.userId, draft.userId), isIdle));
  return guard(exists(found));
}

/** Describes a draft, and its document where searches see nothing of that yet. */
function describeDraft({ documentId }: Draft, description: Description): Statement[] {
  const { url, metadata } = description;
  if (url == null && metadata === undefined) return [];
  const change = { url: url ?? undefined, metadata };
  const isUnseen = and(eq(documents.id, documentId), isNull(documents.version));
  return [
    statement(
      query.update(documentDrafts).set(change).where(eq(documentDrafts.documentId, documentId)),
    ),
    statement(query.update(documents).set(change).where(isUnseen)),
  ];
}

/** Selects the chunks of a draft that are stored, in the order of their ids. */
function selectStored(draft: Draft) {
  const bytes = sql<number>`length(${chunkVectors.embedding})`;
  return query
    .select({ ordinal: chunks.ordinal, bytes })
    .from(documentDrafts)
    .crossJoin(chunks)
    .innerJoin(chunkVectors, eq(chunkVectors.id, chunks.id))
    .where(and(isChunkOf(documentDrafts), isDraft(draft)));
}

/** A try that was cut off while it replaced vectors has left old and new ones: none counts. */
function storedFrom(rows: readonly { ordinal: number; bytes: number }[]): StoredChunks {
  const [dimension, ...others] = new Set(rows.map(({ bytes }) => bytes / BYTES_PER_NUMBER));
  if (dimension === undefined || others.length > 0) return NONE_STORED;
  return { ordinals: new Set(rows.map(({ ordinal }) => ordinal)), dimension };
}
