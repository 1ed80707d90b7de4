/** The statements of a search, and of writing what it searches. Each one names its owner. */

import type { ResultSet, Statement } from '../database.ts';
import { number, optionalNumber, text } from '../rows.ts';
import { CHUNKS_PER_OWNER, wordTable } from './tables.ts';

/** What a search may see: the owner's documents, and among them only these. */
export interface SearchScope {
  userId: string;
  conversationId?: string | undefined;
  documentIds?: readonly string[] | undefined;
}

export interface CandidateQuery extends SearchScope {
  /** FTS5 expression; null asks nothing of the keyword index. */
  match: string | null;
  /** Query vector; null asks nothing of the vectors. */
  vector: readonly number[] | null;
  keywordLimit: number;
  vectorLimit: number;
}

export interface CandidateRow {
  id: number;
  documentId: string;
  title: string;
  text: string;
  headings: string[];
  ordinal: number;
  start: number;
  end: number;
  /** Place in the keyword index's order, from 1. */
  keywordRank: number | null;
  /** BM25 as the index gives it, greater is better. */
  keywordScore: number | null;
  vectorRank: number | null;
  cosine: number | null;
}

const OWNER = `(SELECT number FROM owners WHERE user_id = :user)`;
/** An unknown owner has no stretch: comparing with NULL finds nothing. */
const STRETCH = `BETWEEN ${OWNER} * ${CHUNKS_PER_OWNER} AND ${OWNER} * ${CHUNKS_PER_OWNER} + ${CHUNKS_PER_OWNER - 1}`;

/** Of a number in a vector. */
export const BYTES_PER_NUMBER = 4;

/** A vector as libSQL stores F32_BLOB: little-endian 4-byte numbers. */
export function vectorBlob(vector: readonly number[]): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(vector.length * BYTES_PER_NUMBER));
  vector.forEach((value, at) => view.setFloat32(at * BYTES_PER_NUMBER, value, true));
  return new Uint8Array(view.buffer);
}

function liveVersions({ conversationId, documentIds }: SearchScope): string {
  const conversation = conversationId === undefined ? '' : ' AND d.conversation_id = :conversation';
  const documents =
    documentIds === undefined ? '' : ' AND d.id IN (SELECT value FROM json_each(:documents))';
  return `SELECT d.version FROM documents d WHERE d.user_id = :user AND d.version IS NOT NULL${conversation}${documents}`;
}

/**
 * Positional arguments from named ones: not every remote protocol of libSQL repeats a named one.
 */
function statement(sql: string, values: Record<string, Statement['args'][number]>): Statement {
  const args: Statement['args'] = [];
  const positional = sql.replace(/:([a-z]+)\b/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new TypeError(`the statement has no value for ${name}`);
    args.push(value);
    return '?';
  });
  return { sql: positional, args };
}

/**
 * The best chunks by keyword and by vector, each once, with texts. The vector scan is exact and
 * walks the owner's vectors alone. Those of another dimension than the query's would be an error of
 * the database, so they are left out; that there are none is for the caller to check.
 */
export function candidateStatement(query: CandidateQuery): Statement {
  const index = wordTable(query.userId);
  const words =
    query.match === null
      ? `SELECT NULL AS id, NULL AS score WHERE 0`
      : `SELECT w.rowid AS id, bm25(${index}) AS score
         FROM ${index} w JOIN chunks c ON c.id = w.rowid
         WHERE ${index} MATCH :match AND w.rowid ${STRETCH} AND c.version IN live
         ORDER BY score, w.rowid LIMIT :keywords`;
  const vectors =
    query.vector === null
      ? `SELECT NULL AS id, NULL AS nearness WHERE 0`
      : // Descending puts NULL last; a condition on the distance would have it computed twice.
        `SELECT v.id, -vector_distance_cos(v.embedding, :vector) AS nearness
         FROM chunk_vectors v
         WHERE v.id ${STRETCH} AND v.version IN live AND length(v.embedding) = :bytes
         ORDER BY nearness DESC, v.id LIMIT :vectors`;
  const sql = `WITH live AS MATERIALIZED (${liveVersions(query)}),
    words AS MATERIALIZED (${words}),
    vectors AS MATERIALIZED (${vectors})
    SELECT c.id, c.document_id, d.title, c.text, c.headings, c.ordinal, c.start_offset,
      c.end_offset, words.score, -vectors.nearness AS distance
    FROM (SELECT id FROM words UNION SELECT id FROM vectors WHERE nearness IS NOT NULL) found
    JOIN chunks c ON c.id = found.id
    JOIN documents d ON d.id = c.document_id AND d.user_id = :user
    LEFT JOIN words ON words.id = c.id
    LEFT JOIN vectors ON vectors.id = c.id`;
  return statement(sql, {
    user: query.userId,
    ...(query.conversationId !== undefined && { conversation: query.conversationId }),
    ...(query.documentIds && { documents: JSON.stringify(query.documentIds) }),
    ...(query.match !== null && { match: query.match, keywords: query.keywordLimit }),
    ...(query.vector && {
      vector: vectorBlob(query.vector),
      vectors: query.vectorLimit,
      bytes: query.vector.length * BYTES_PER_NUMBER,
    }),
  });
}

function ranks(values: Array<number | null>): Array<number | null> {
  const order = values.flatMap((value, at) => (value === null ? [] : [{ value, at }]));
  order.sort((a, b) => a.value - b.value || a.at - b.at);
  const result: Array<number | null> = values.map(() => null);
  order.forEach(({ at }, place) => (result[at] = place + 1));
  return result;
}

/** The rows of `candidateStatement`. */
export function candidateRows({ rows }: ResultSet): CandidateRow[] {
  const ordered = [...rows].sort((a, b) => number(a['id']) - number(b['id']));
  const scores = ordered.map((row) => optionalNumber(row['score']));
  const distances = ordered.map((row) => optionalNumber(row['distance']));
  const [keywordRanks, vectorRanks] = [ranks(scores), ranks(distances)];
  return ordered.map((row, at) => {
    const [score, distance] = [scores[at] ?? null, distances[at] ?? null];
    return {
      id: number(row['id']),
      documentId: text(row['document_id']),
      title: text(row['title']),
      text: text(row['text']),
      // Written by `chunkStatements` alone.
      headings: JSON.parse(text(row['headings'])) as string[],
      ordinal: number(row['ordinal']),
      start: number(row['start_offset']),
      end: number(row['end_offset']),
      keywordRank: keywordRanks[at] ?? null,
      keywordScore: score === null ? null : -score,
      vectorRank: vectorRanks[at] ?? null,
      cosine: distance === null ? null : 1 - distance,
    };
  });
}

/**
 * How many chunks the owner has, and in how many of them each expression matches: one row each,
 * in order, the count of all first. The index's own statistics are everybody's, so they neither
 * suit one owner nor are theirs to see.
 */
export function frequencyStatement(userId: string, expressions: readonly string[]): Statement {
  const index = wordTable(userId);
  const counts = expressions.map(
    () => `SELECT count(*) FROM ${index} WHERE ${index} MATCH ? AND rowid ${STRETCH}`,
  );
  const sql = [`SELECT coalesce((SELECT chunk_count FROM owners WHERE user_id = ?), 0) AS count`]
    .concat(counts)
    .join(' UNION ALL ')
    .replaceAll(':user', '?');
  return { sql, args: [userId, ...expressions.flatMap((match) => [match, userId, userId])] };
}

/** The rows of `frequencyStatement`. */
export function frequencyRows({ rows }: ResultSet): { chunks: number; frequencies: number[] } {
  const [chunks = 0, ...frequencies] = rows.map((row) => number(row['count']));
  return { chunks, frequencies };
}

/** Makes sure that the owner has a number. Numbers are never given twice. */
export function ownerStatement(userId: string): Statement {
  return {
    sql: `INSERT INTO owners (user_id, number)
      SELECT ?, coalesce(max(number), 0) + 1 FROM owners WHERE true ON CONFLICT (user_id) DO NOTHING`,
    args: [userId],
  };
}

/** Reserves ids for `count` chunks and gives back the first, as `first`: also their version. */
export function reserveStatement(userId: string, count: number): Statement {
  return {
    sql: `UPDATE owners SET last_chunk = last_chunk + ? WHERE user_id = ?
      RETURNING number * ${CHUNKS_PER_OWNER} + last_chunk - ? + 1 AS first`,
    args: [count, userId, count],
  };
}

export interface NewChunk {
  id: number;
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
 * Writes chunks of a version that nobody sees yet. Safe to run twice. The documents' row makes
 * them visible by naming the version (`publishStatements`).
 */
export function chunkStatements(
  { userId, version, documentId }: { userId: string; version: number; documentId: string },
  chunks: readonly NewChunk[],
): Statement[] {
  const index = wordTable(userId);
  return chunks.flatMap((chunk) => [
    {
      sql: `INSERT OR REPLACE INTO chunks (id, version, document_id, ordinal, start_offset, end_offset, headings, text)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      args: [
        chunk.id,
        version,
        documentId,
        chunk.ordinal,
        chunk.start,
        chunk.end,
        JSON.stringify(chunk.headings),
        chunk.text,
      ],
    },
    {
      sql: `INSERT OR REPLACE INTO chunk_vectors (id, version, embedding) VALUES (?, ?, ?)`,
      args: [chunk.id, version, vectorBlob(chunk.embedding)],
    },
    { sql: `DELETE FROM ${index} WHERE rowid = ?`, args: [chunk.id] },
    {
      sql: `INSERT INTO ${index} (rowid, title, text) VALUES (?, ?, ?)`,
      args: [chunk.id, chunk.titleWords, chunk.textWords],
    },
  ]);
}

/** Removes the chunks of a document that are not of its visible version, from all three tables. */
export function sweepStatements(documentId: string, userId: string): Statement[] {
  const stale = `SELECT id FROM chunks WHERE document_id = ? AND id ${STRETCH.replaceAll(':user', '?')}
    AND version IS NOT (SELECT version FROM documents WHERE id = ? AND user_id = ?)`;
  const args = [documentId, userId, userId, documentId, userId];
  const index = wordTable(userId);
  return [
    { sql: `DELETE FROM ${index} WHERE rowid IN (${stale})`, args },
    { sql: `DELETE FROM chunk_vectors WHERE id IN (${stale})`, args },
    { sql: `DELETE FROM chunks WHERE id IN (${stale})`, args },
    {
      sql: `UPDATE owners SET chunk_count = (SELECT count(*) FROM chunk_vectors WHERE id ${STRETCH.replaceAll(':user', '?')})
        WHERE user_id = ?`,
      args: [userId, userId, userId],
    },
  ];
}
