/**
 * The tables that searches need beside `documents`. Their migration is written by hand, since
 * drizzle has neither FTS5 nor vectors.
 *
 * A chunk's id is its owner's number times `CHUNKS_PER_OWNER` plus a running number, so that the
 * chunks, the vectors and the keyword lists of one owner lie together: a query walks its owner's
 * stretch and not everybody's. `version` is the id of the first chunk of one ingest; the version
 * that a document names is the one searches see, so replacing a document is one UPDATE.
 */
import { blob, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { fnv1a } from '../../core/hash.ts';
import { json, parseHeadings } from '../json-columns.ts';

/** Users who have sent documents in. */
export const owners = sqliteTable('owners', {
  userId: text('user_id').primaryKey(),
  /** Of their stretch of chunk ids. */
  number: integer('number').notNull().unique(),
  /** The running number that was given out last. */
  lastChunk: integer('last_chunk').notNull().default(0),
  /** Chunks that searches see. */
  chunkCount: integer('chunk_count').notNull().default(0),
  /** Grows whenever what searches see of this user's documents changes. */
  revision: integer('revision').notNull().default(0),
});

export const chunks = sqliteTable('chunks', {
  id: integer('id').primaryKey(),
  version: integer('version').notNull(),
  documentId: text('document_id').notNull(),
  ordinal: integer('ordinal').notNull(),
  /** Its offset in the document's text, in UTF-16 units. */
  startOffset: integer('start_offset').notNull(),
  endOffset: integer('end_offset').notNull(),
  headings: json(parseHeadings)('headings').notNull(),
  text: text('text').notNull(),
});

export const chunkVectors = sqliteTable('chunk_vectors', {
  id: integer('id').primaryKey(),
  version: integer('version').notNull(),
  /** See {@link vectorBlob}. */
  embedding: blob('embedding', { mode: 'buffer' }).notNull(),
});

/**
 * The vectors once more, as 8-bit numbers (libSQL's `vector8`), a quarter of the bytes. Triggers of
 * `chunk_vectors` write them. An index of the expression would not do: where a vector's length is
 * no multiple of four, some bytes of its code are never written, and what is rounded may differ
 * between machines. A row would then not be found in the index again.
 */
export const chunkCodes = sqliteTable('chunk_codes', {
  id: integer('id').primaryKey(),
  version: integer('version').notNull(),
  /** The length of the vector that it was made of. */
  vectorBytes: integer('vector_bytes').notNull(),
  code: blob('code', { mode: 'buffer' }).notNull(),
});

/** Of a number in a vector. */
export const BYTES_PER_NUMBER = 4;

/** Returns a vector as libSQL stores F32_BLOB: little-endian 4-byte numbers. */
export function vectorBlob(vector: readonly number[]): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(vector.length * BYTES_PER_NUMBER));
  vector.forEach((value, at) => view.setFloat32(at * BYTES_PER_NUMBER, value, true));
  return new Uint8Array(view.buffer);
}

/** 2^24; with owners below 2^28 every id stays an exact number in JavaScript. */
export const CHUNKS_PER_OWNER = 16_777_216;

/**
 * Owners are spread over so many keyword indexes, by a hash of their id. FTS5's `bm25()` walks the
 * whole list of each word, also of those who are not asked, so one index for all made a search
 * cost what everybody has. Cannot be changed without building the indexes anew.
 */
export const WORD_TABLES = 16;

/** Returns the keyword index that holds an owner's words. */
export function wordTable(userId: string): string {
  return `chunk_words_${(fnv1a(userId) >>> 16) % WORD_TABLES}`;
}

export const SEARCH_TABLES: readonly string[] = [
  `CREATE TABLE owners (
    user_id TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    last_chunk INTEGER NOT NULL DEFAULT 0,
    chunk_count INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID`,
  `CREATE TABLE chunks (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    document_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    start_offset INTEGER NOT NULL,
    end_offset INTEGER NOT NULL,
    headings TEXT NOT NULL,
    text TEXT NOT NULL
  )`,
  `CREATE INDEX chunks_by_version ON chunks (version, ordinal)`,
  // A rowid table: its leaves hold a vector whole, those of WITHOUT ROWID only up to 1 KB.
  `CREATE TABLE chunk_vectors (
    id INTEGER PRIMARY KEY,
    version INTEGER NOT NULL,
    embedding F32_BLOB NOT NULL
  )`,
  // Contentless: the text is in chunks; here are only its words, as keywordText gives them.
  ...Array.from(
    { length: WORD_TABLES },
    (_, at) => `CREATE VIRTUAL TABLE chunk_words_${at} USING fts5(
    title, text, content='', contentless_delete=1, tokenize='porter unicode61'
  )`,
  ),
];
