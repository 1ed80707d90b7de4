/**
 * The chunks of documents in their three tables: texts, vectors, and words of the keyword index.
 */
import { and, between, eq, inArray, sql, type SQL } from 'drizzle-orm';
import type { Statement } from '../database.ts';
import { plain, query, statement } from '../query.ts';
import type { documentDrafts, documents } from '../schema.ts';
import { BYTES_PER_NUMBER, chunks, chunkVectors, vectorBlob, wordTable } from '../search/tables.ts';

/** A version in the making. */
export interface Draft {
  userId: string;
  documentId: string;
  /** The id of its first chunk. */
  version: number;
}

export interface NewChunk {
  /** Its id is that of the first chunk plus this. */
  ordinal: number;
  start: number;
  end: number;
  headings: readonly string[];
  text: string;
  /** `keywordText` of the document's title with the headings, and of the text. */
  titleWords: string;
  textWords: string;
  embedding: readonly number[];
}

/**
 * Writes chunks of a version that nobody sees yet, all of them by four statements. Safe to run
 * twice. The document's row makes them visible by naming the version.
 * @param added their embeddings are all of one dimension
 */
export function writeChunks(
  { userId, version, documentId }: Draft,
  added: readonly NewChunk[],
): Statement[] {
  if (added.length === 0) return [];
  const words = sql.identifier(wordTable(userId));
  const ids = JSON.stringify(added.map(({ ordinal }) => version + ordinal));
  const place = sql`select ${version} as version, ${documentId} as document_id`;
  return [
    plain(sql`delete from ${words} where rowid in (select value from json_each(${ids}))`),
    ...insertChunks({ userId, place }, added),
  ];
}

/**
 * Inserts chunks by three statements: their words, vectors and texts.
 * @param place a `select` of one row at most, `version` and `document_id`: without a row, nothing
 *   is inserted
 * @param added their embeddings are all of one dimension
 */
export function insertChunks(
  { userId, place }: { userId: string; place: SQL },
  added: readonly NewChunk[],
): Statement[] {
  const length = (added[0]?.embedding.length ?? 0) * BYTES_PER_NUMBER;
  const from = (rows: readonly unknown[]) => rowsAt(place, rows);
  const ordinals = added.map(({ ordinal }) => [ordinal]);
  return [
    insertWords({ userId, place }, added),
    // One blob for all: JSON cannot hold bytes.
    plain(sql`insert or replace into ${chunkVectors} ${VECTOR_ROW} select ${id}, place.version,
      substr(${joined(added, length)}, row.key * ${length} + 1, ${length}) ${from(ordinals)}`),
    plain(sql`insert or replace into ${chunks} ${ROW}
      select ${id}, place.version, place.document_id, row.value ->> 0, row.value ->> 1,
        row.value ->> 2, row.value ->> 3, row.value ->> 4 ${from(added.map(rowOf))}`),
  ];
}

/**
 * Inserts the words of chunks that have none.
 * @param place as for {@link insertChunks}
 */
export function insertWords(
  { userId, place }: { userId: string; place: SQL },
  added: readonly Pick<NewChunk, 'ordinal' | 'titleWords' | 'textWords'>[],
): Statement {
  const said = added.map((chunk) => [chunk.ordinal, chunk.titleWords, chunk.textWords]);
  return plain(sql`insert into ${sql.identifier(wordTable(userId))} (rowid, title, text)
    select ${id}, row.value ->> 1, row.value ->> 2 ${rowsAt(place, said)}`);
}

/** The id of a chunk by the first value of its row. */
const id = sql`place.version + (row.value ->> 0)`;

function rowsAt(place: SQL, rows: readonly unknown[]): SQL {
  return sql`from (${place}) as place cross join json_each(${JSON.stringify(rows)}) as row`;
}

const ROW = [
  ...[chunks.id, chunks.version, chunks.documentId, chunks.ordinal, chunks.startOffset],
  ...[chunks.endOffset, chunks.headings, chunks.text],
].map(({ name }) => sql.identifier(name));

function rowOf({ ordinal, start, end, headings, text }: NewChunk) {
  return [ordinal, start, end, JSON.stringify(headings), text];
}

const VECTOR_ROW = [chunkVectors.id, chunkVectors.version, chunkVectors.embedding].map(({ name }) =>
  sql.identifier(name),
);

function joined(added: readonly NewChunk[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(added.length * length);
  added.forEach(({ embedding }, at) => all.set(vectorBlob(embedding), at * length));
  return all;
}

/**
 * Removes chunks of an owner from all three tables.
 * @param versions the table that names the versions and their numbers of chunks
 * @param which the condition on its rows
 */
export function removeChunks(
  userId: string,
  versions: typeof documents | typeof documentDrafts,
  which: SQL,
): Statement[] {
  // In this order: the owner's versions first, then the chunks of each, by their ids.
  const ids = query
    .select({ id: chunks.id })
    .from(versions)
    .crossJoin(chunks)
    .where(and(isChunkOf(versions), eq(versions.userId, userId), which));
  const words = sql.identifier(wordTable(userId));
  return [
    plain(sql`delete from ${words} where rowid in ${ids}`),
    statement(query.delete(chunkVectors).where(inArray(chunkVectors.id, ids))),
    statement(query.delete(chunks).where(inArray(chunks.id, ids))),
  ];
}

/** Chunks of a version have consecutive ids. */
export function isChunkOf({ version, chunkCount }: typeof documents | typeof documentDrafts): SQL {
  return between(chunks.id, sql`${version}`, sql`${version} + ${chunkCount} - 1`);
}
