/**
 * Stores a new document whole: one transaction makes it with all its chunks, and searches see it.
 * It needs no draft, since nothing of it can be left half made.
 */
import { and, eq, exists, sql, type SQL } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { rememberKey, type Key } from '../idempotency-keys.ts';
import { batch, prepare, query, selectRow, statement, type Given } from '../query.ts';
import { documents } from '../schema.ts';
import { CHUNKS_PER_OWNER, owners } from '../search/tables.ts';
import { insertChunks, type NewChunk } from './chunks.ts';
import { guardRoom, insertOwner, refuseWhenFull } from './drafts.ts';
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
 * Stores a document, or finds the one that is known already, as `registerDocument` does. Safe to
 * run twice: its chunks are only stored while the ids that it took are the owner's next.
 * @param chunks all of them, one at least
 * @throws ParleyError `payload_too_large` when its owner has had too many chunks
 */
export async function storeWhole(
  db: Database,
  document: NewDocument,
  chunks: readonly NewChunk[],
  options: { leaseMs: number; idempotency?: Key | undefined },
): Promise<Registered> {
  const { id, userId, chunkCount } = document;
  const { idempotency } = options;
  const dimension = chunks[0]?.embedding.length ?? 0;
  const results = batch(
    db,
    [
      insertOwner(userId),
      guardRoom({ userId, chunkCount }),
      insertSeen({ ...document, ...NO_KEY, ...idempotency, dimension }),
      insertChunks({ userId, place: placeOf(id) }, chunks),
      takeIds({ id, userId, chunkCount }),
      idempotency ? [rememberKey(idempotency, statement(selectSame(document)))] : [],
      ...selectRegistered(document, options),
    ],
    'write',
  );
  const [, , , , , , ...found] = await refuseWhenFull(results);
  return registered(found, document, idempotency);
}

/** The id that the owner's next chunk gets. */
const nextId = sql`${owners.number} * ${CHUNKS_PER_OWNER} + ${owners.lastChunk} + 1`;

type Columns = NewRow | 'chunkCount' | 'embeddingModel' | 'analysis' | 'text' | 'dimension';

/** Inserts a document that searches see, unless it is known. */
const insertSeen = prepare((given: Given<Columns>) => {
  const { userId, chunkCount, embeddingModel, dimension, analysis, text } = given;
  const row = selectRow(documents, {
    ...newRow(given),
    ...{ chunkCount, embeddingModel, dimension, analysis, text, status: 'ready' },
    ...{ version: nextId, revision: sql`${owners.revision} + 1` },
  });
  return query
    .insert(documents)
    .select(sql`${row} from ${owners} where ${owners.userId} = ${userId} and ${isNewThere(given)}`)
    .onConflictDoNothing();
});

/** Selects where the chunks of a document go while they are not stored. */
function placeOf(id: string): SQL {
  return sql`select ${documents.version} as version, ${documents.id} as document_id
    from ${documents} join ${owners} on ${owners.userId} = ${documents.userId}
    where ${documents.id} = ${id} and ${documents.version} = ${nextId}`;
}

/** Takes the ids of the document's chunks, which are stored, and tells of the change. */
const takeIds = prepare(({ id, userId, chunkCount }: Given<'id' | 'userId' | 'chunkCount'>) => {
  const isNext = and(eq(documents.id, id), sql`${documents.version} = ${nextId}`);
  return query
    .update(owners)
    .set({
      lastChunk: sql`${owners.lastChunk} + ${chunkCount}`,
      chunkCount: sql`${owners.chunkCount} + ${chunkCount}`,
      revision: sql`${owners.revision} + 1`,
    })
    .where(
      and(
        eq(owners.userId, userId),
        exists(query.select({ id: documents.id }).from(documents).where(isNext)),
      ),
    );
});
