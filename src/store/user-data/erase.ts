/**
 * Deletes a user's data, in batches of so few rows that nobody waits for one. Each batch may run
 * twice, and beside others, so whoever goes on with a deletion needs to know nothing of what was
 * done before.
 *
 * Two things outlive the rest. The ledger's entries stay and lose the user, the conversation and
 * the key, since the operator's bill is for all of them. The number of an owner of documents stays,
 * without a name, since its stretch of chunk ids must not be another's.
 */
import { and, eq, inArray, notExists, sql, type SQL } from 'drizzle-orm';
import type { Statement } from '../database.ts';
import { plain, query, statement } from '../query.ts';
import {
  conversations,
  documentDrafts,
  documents,
  fileContents,
  idempotencyKeys,
  ledger,
  userLimits,
} from '../schema.ts';
import { chunks, CHUNKS_PER_OWNER, chunkVectors, owners, wordTable } from '../search/tables.ts';
import { USER_TABLES, type UserTable } from './tables.ts';

/** The most rows of a table that one batch deletes: some milliseconds of the lock for writing. */
const MOST_ROWS = 200;
/** Conversations, documents or contents of files that are looked at in one batch. */
const MOST_PLACES = 10;

/** One kind of batch: it is repeated until it changes nothing. */
export type Step = (userId: string) => Statement[];

/** Things that have parts, each with a step of its own. */
type Places = typeof conversations | typeof documents | typeof fileContents;
const PLACES: readonly unknown[] = [conversations, documents, fileContents];

/** Rows of the user itself; credentials go first, so that nothing new is begun by them. */
const eraseOwn: Step = (userId) =>
  USER_TABLES.filter(
    ({ partOf, outlives, table }) => partOf === 'user' && !outlives && !PLACES.includes(table),
  ).map((each) => eraseRows(each, sql`(${userId})`));

/** Conversations with their messages, turns and keys. */
const eraseConversations: Step = (userId) => {
  const ids = someOf(conversations, userId);
  return [
    statement(query.delete(idempotencyKeys).where(sql`${idempotencyKeys.scope} in ${ids}`)),
    ...eraseWithParts(conversations, 'conversation', ids),
  ];
};

/** The bytes of files. */
const eraseContents: Step = (userId) =>
  eraseWithParts(fileContents, 'content', someOf(fileContents, userId));

/** Documents with their drafts: an ingest that runs finds its draft gone and writes no more. */
const eraseDocuments: Step = (userId) => {
  const ids = someOf(documents, userId);
  return [
    statement(query.delete(documentDrafts).where(sql`${documentDrafts.documentId} in ${ids}`)),
    statement(query.delete(documents).where(sql`${documents.id} in ${ids}`)),
  ];
};

/** Chunks with their words and vectors: all in the owner's stretch, whatever named them. */
const eraseChunks: Step = (userId) => {
  const first = sql`(select ${owners.number} * ${CHUNKS_PER_OWNER} from ${owners} where ${owners.userId} = ${userId})`;
  const some = sql`(select ${chunks.id} from ${chunks} where ${chunks.id} >= ${first}
    and ${chunks.id} < ${first} + ${CHUNKS_PER_OWNER} order by ${chunks.id} limit ${MOST_ROWS})`;
  return [
    plain(sql`delete from ${sql.identifier(wordTable(userId))} where rowid in ${some}`),
    statement(query.delete(chunkVectors).where(sql`${chunkVectors.id} in ${some}`)),
    statement(query.delete(chunks).where(sql`${chunks.id} in ${some}`)),
  ];
};

/** The steps in their order. */
export const ERASING: readonly Step[] = [
  eraseOwn,
  eraseConversations,
  eraseContents,
  eraseDocuments,
  eraseChunks,
  (userId) => [forgetOwner(userId)],
];

/** Rows by which limits count, which may have to stay for longer. */
export const ERASING_USAGE: readonly Step[] = [
  (userId) => [
    forgetUsage(userId),
    statement(query.delete(userLimits).where(eq(userLimits.userId, userId))),
  ],
];

/** Selects the first of a user's conversations, documents or contents. */
function someOf(places: Places, userId: string): SQL {
  const theirs = query.select({ id: places.id }).from(places).where(eq(places.userId, userId));
  return sql`${theirs.orderBy(places.id).limit(MOST_PLACES)}`;
}

/** Deletes parts of what is named, and what has no parts any more. */
function eraseWithParts(places: Places, partOf: UserTable['partOf'], ids: SQL): Statement[] {
  const parts = USER_TABLES.filter((each) => each.partOf === partOf);
  const isEmpty = parts.map(({ table, by }) =>
    notExists(
      query
        .select({ one: sql`1` })
        .from(table)
        .where(eq(by, places.id)),
    ),
  );
  return [
    ...parts.map((part) => eraseRows(part, ids)),
    statement(query.delete(places).where(and(sql`${places.id} in ${ids}`, ...isEmpty))),
  ];
}

/** Deletes some rows of a table. @param owners the users or places that they are of, a list */
function eraseRows({ table, by, id, erasedAtOnce = MOST_ROWS }: UserTable, owners: SQL): Statement {
  const columns = sql.join([...id], sql`, `);
  const names = sql.join(
    id.map(({ name }) => sql.identifier(name)),
    sql`, `,
  );
  return plain(sql`delete from ${table} where (${names}) in
    (select ${columns} from ${table} where ${by} in ${owners} limit ${erasedAtOnce})`);
}

function forgetOwner(userId: string): Statement {
  const nobody = sql`'deleted:' || ${owners.number}`;
  return statement(
    query
      .update(owners)
      .set({ userId: nobody, chunkCount: 0, revision: sql`${owners.revision} + 1` })
      .where(eq(owners.userId, userId)),
  );
}

function forgetUsage(userId: string): Statement {
  const { workId, number } = ledger;
  const some = query.select({ workId, number }).from(ledger).where(eq(ledger.userId, userId));
  return statement(
    query
      .update(ledger)
      .set({ userId: '', conversationId: null, keyId: null, actingKeyId: null })
      .where(
        and(eq(ledger.userId, userId), inArray(sql`(work_id, number)`, some.limit(MOST_ROWS))),
      ),
  );
}
