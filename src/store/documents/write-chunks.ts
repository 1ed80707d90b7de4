/**
 * Chunks stored many at a time: four statements for a batch instead of four for each chunk, which is half as fast again in a file and a quarter of the
 * words in a request. The same rows as `chunkStatements`.
 */
import type { Statement } from '../database.ts';
import { BYTES_PER_NUMBER, vectorBlob, type NewChunk } from '../search/candidates.ts';
import { wordTable } from '../search/tables.ts';

/** A version in the making. */
export interface Draft {
  userId: string;
  documentId: string;
  /** The id of its first chunk. */
  version: number;
}

/** Safe to run twice. @param chunks their embeddings are all of one dimension */
export function writeChunksBatch(
  { userId, version, documentId }: Draft,
  chunks: readonly NewChunk[],
): Statement[] {
  if (chunks.length === 0) return [];
  const index = wordTable(userId);
  const ids = JSON.stringify(chunks.map(({ id }) => id));
  const length = (chunks[0]?.embedding.length ?? 0) * BYTES_PER_NUMBER;
  return [
    {
      sql: `INSERT OR REPLACE INTO chunks (id, version, document_id, ordinal, start_offset, end_offset, headings, text)
        SELECT value ->> 0, ?, ?, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?)`,
      args: [version, documentId, JSON.stringify(chunks.map(columns))],
    },
    {
      // One blob for all: JSON cannot hold bytes.
      sql: `INSERT OR REPLACE INTO chunk_vectors (id, version, embedding) SELECT value, ?, substr(?, key * ? + 1, ?) FROM json_each(?)`,
      args: [version, joined(chunks, length), length, length, ids],
    },
    { sql: `DELETE FROM ${index} WHERE rowid IN (SELECT value FROM json_each(?))`, args: [ids] },
    {
      sql: `INSERT INTO ${index} (rowid, title, text) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)`,
      args: [
        JSON.stringify(chunks.map(({ id, titleWords, textWords }) => [id, titleWords, textWords])),
      ],
    },
  ];
}

function columns({ id, ordinal, start, end, headings, text }: NewChunk) {
  return [id, ordinal, start, end, JSON.stringify(headings), text];
}

function joined(chunks: readonly NewChunk[], length: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(chunks.length * length);
  chunks.forEach(({ embedding }, at) => all.set(vectorBlob(embedding), at * length));
  return all;
}
