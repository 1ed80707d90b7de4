/**
 * The bytes of files, in pieces. They are stored as they arrive, before it is known what they are.
 */
import { and, eq, gte, isNull, lt, lte, sql } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { batch, now, prepare, query, type Given } from '../query.ts';
import { fileContents, filePieces } from '../schema.ts';

/**
 * Bytes of a piece. A request to a server carries two of them, which is less than it takes in one;
 * a reader holds no more than that of a file.
 */
export const PIECE_SIZE = 256 * 1024;

/** The time after which bytes count as left behind by an upload that broke off, in milliseconds. */
const ARRIVES_WITHIN_MS = 60 * 60 * 1000;

/**
 * The time for which storing a piece is tried, in milliseconds. Many uploads at once keep a
 * database busy for longer than others wait, and nobody wants to send ten megabytes again.
 */
const RETRY_FOR_MS = 15_000;

/** Begins a content, and removes what broken uploads have left behind. */
export async function beginContent(db: Database, id: string): Promise<void> {
  const isLeft = and(
    isNull(fileContents.sha256),
    lt(fileContents.createdAt, sql`${now} - ${sql.raw(String(ARRIVES_WITHIN_MS))}`),
  );
  const left = query.select({ id: fileContents.id }).from(fileContents).where(isLeft);
  await batch(
    db,
    [
      query.delete(filePieces).where(sql`${filePieces.contentId} in ${left}`),
      query.delete(fileContents).where(isLeft),
      query.insert(fileContents).values({ id, createdAt: now }).onConflictDoNothing(),
    ],
    'write-unflushed',
    RETRY_FOR_MS,
  );
}

/**
 * Adds pieces to a content that arrives.
 * @param first the number of the first of them
 */
export async function addPieces(
  db: Database,
  { contentId, first, pieces }: { contentId: string; first: number; pieces: Uint8Array[] },
): Promise<void> {
  const statements = pieces.map((bytes, at) => ({
    sql: `INSERT OR REPLACE INTO file_pieces (content_id, number, bytes) VALUES (?, ?, ?)`,
    args: [contentId, first + at, bytes],
  }));
  await batch(db, statements, 'write-unflushed', RETRY_FOR_MS);
}

const selectPieces = prepare(({ contentId, from, to }: Given<'contentId' | 'from' | 'to'>) =>
  query
    .select({ bytes: sql<ArrayBuffer>`${filePieces.bytes}` })
    .from(filePieces)
    .where(
      and(
        eq(filePieces.contentId, contentId),
        gte(filePieces.number, from),
        lte(filePieces.number, to),
      ),
    )
    .orderBy(filePieces.number),
);

/** The pieces that are read at once. */
const PIECES_AT_ONCE = 2;

/** Thrown when a content was deleted while it was read. */
export class BytesGone extends Error {
  override readonly name = 'BytesGone';

  constructor() {
    super('the bytes of a file are gone');
  }
}

/** A range of bytes: its beginning and its length. */
export interface ByteRange {
  start: number;
  length: number;
}

/**
 * Reads a range of a content, a few pieces at a time.
 * @throws BytesGone
 */
export async function* readBytes(
  db: Database,
  contentId: string,
  { start, length }: ByteRange,
): AsyncGenerator<Uint8Array> {
  const end = start + length;
  let at = start;
  while (at < end) {
    const from = Math.floor(at / PIECE_SIZE);
    const [rows] = await batch(
      db,
      [selectPieces({ contentId, from, to: from + PIECES_AT_ONCE - 1 })],
      'read',
    );
    if (rows.length === 0) throw new BytesGone();
    for (const [index, row] of rows.entries()) {
      const begin = (from + index) * PIECE_SIZE;
      const bytes = new Uint8Array(row.bytes).subarray(
        Math.max(0, at - begin),
        Math.max(0, end - begin),
      );
      at += bytes.length;
      if (bytes.length > 0) yield bytes;
    }
  }
}

/** Reads all of a content. @throws BytesGone */
export async function readContent(
  db: Database,
  contentId: string,
  size: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const piece of readBytes(db, contentId, { start: 0, length: size })) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** Stores what a content was found to be. */
export async function describeContent(
  db: Database,
  { id, mimeType, text }: { id: string; mimeType: string; text: string | null },
): Promise<void> {
  const update = query.update(fileContents).set({ mimeType, text });
  await batch(db, [update.where(eq(fileContents.id, id))], 'write-unflushed');
}

/** Removes a content that has not become a file. */
export async function dropContent(db: Database, id: string): Promise<void> {
  const isArriving = and(eq(fileContents.id, id), isNull(fileContents.sha256));
  const arriving = query.select({ id: fileContents.id }).from(fileContents).where(isArriving);
  await batch(
    db,
    [
      query.delete(filePieces).where(sql`${filePieces.contentId} in ${arriving}`),
      query.delete(fileContents).where(isArriving),
    ],
    'write-unflushed',
  );
}
