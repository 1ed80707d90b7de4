/** Stores files as their bytes arrive, by the rules that hold for every API. */
import { invalid, keyReused, notFound } from '../core/errors.ts';
import { fileName, fileTooLarge, LARGEST_FILE, type Hash, type StoredFile } from '../core/file.ts';
import { newId } from '../core/ids.ts';
import { refusalOf } from '../core/limits.ts';
import { addPieces, beginContent, dropContent, PIECE_SIZE } from '../store/files/contents.ts';
import { createFile, findContent } from '../store/files/files.ts';
import type { Key } from '../store/idempotency-keys.ts';
import type { Database } from '../store/database.ts';
import { readBudget, type UserBudgetAsk } from '../store/limits/budget.ts';
import type { Examined, FileExaminer } from './examine-file.ts';
import { MEDIA_HEAD, mediaTypeOf } from './media-type.ts';

/** Pieces that are stored together. */
const PIECES_AT_ONCE = 2;

/** Bytes that have arrived, and are not a file yet. */
export interface Arrived {
  contentId: string;
  size: number;
  sha256: string;
  head: Uint8Array;
}

interface Receiving {
  db: Database;
  files: {
    /** Begins a SHA-256 of bytes that arrive piece by piece, which the web's own API cannot do. */
    newHash(): Hash;
  };
}

interface Storing {
  db: Database;
  files: FileExaminer;
}

/**
 * Stores bytes as they arrive; no more than some pieces of them are in memory.
 * @throws ParleyError `payload_too_large`, or `invalid_request` when there are none; nothing is
 * kept
 */
export async function receiveBytes(
  { db, files }: Receiving,
  bytes: AsyncIterable<Uint8Array>,
): Promise<Arrived> {
  const contentId = newId();
  const hash = files.newHash();
  let size = 0;
  let head: Uint8Array | undefined;
  let number = 0;
  await beginContent(db, contentId);
  try {
    for await (const pieces of piecesOf(bytes)) {
      for (const piece of pieces) {
        size += piece.length;
        hash.update(piece);
      }
      if (size > LARGEST_FILE) throw fileTooLarge();
      head ??= pieces[0]?.slice(0, MEDIA_HEAD);
      await addPieces(db, { contentId, first: number, pieces });
      number += pieces.length;
    }
    if (!head) throw invalid('file', 'The file is empty');
    return { contentId, size, sha256: hash.digest(), head };
  } catch (error) {
    await dropContent(db, contentId);
    throw error;
  }
}

/** The name and type that a client gives a file. */
export interface FileFields {
  userId: string;
  name: string | undefined;
  declaredType: string | undefined;
  idempotency?: Key | undefined;
  /** The limits by which new bytes must fit; undefined where nobody has limits. */
  room: UserBudgetAsk | undefined;
}

/**
 * Makes a file of bytes that have arrived.
 * @throws ParleyError `unsupported_media_type`, `document_unreadable`, `queue_full`,
 *   `quota_exceeded`, `idempotency_key_reused`; what has arrived is then dropped by the caller
 */
export async function storeFile(
  dependencies: Storing,
  { head, ...arrived }: Arrived,
  { userId, name: given, declaredType, idempotency, room }: FileFields,
): Promise<StoredFile> {
  const { db } = dependencies;
  const name = fileName(given);
  const file = { ...arrived, id: newId(), userId, name };
  const known = await findContent(db, file);
  if (known) {
    const made = await createFile(db, { ...file, ...known }, { idempotency, isDescribed: false });
    if (made.kind !== 'deleted') return valueOf(made);
  }
  const examined = await examine(dependencies, { ...file, declaredType }, head);
  const making = { idempotency, isDescribed: true, room };
  const made = await createFile(db, { ...file, ...examined }, making);
  if (made.kind === 'deleted' && room) await requireRoom(db, room, file.size);
  return valueOf(made);
}

/** Tells a user whose file was not made that there was no room for it. */
async function requireRoom(db: Database, room: UserBudgetAsk, bytes: number): Promise<void> {
  const budget = (await readBudget(db, room)).filter(({ name }) => name === 'stored_bytes');
  const refusal = refusalOf(budget, { tokens: 0, nanodollars: 0, bytes });
  if (refusal) throw refusal;
}

function valueOf(made: Awaited<ReturnType<typeof createFile>>): StoredFile {
  if (made.kind === 'key_reused') throw keyReused();
  if (made.kind === 'deleted') throw notFound('File');
  return made.value;
}

async function examine(
  { files }: Storing,
  file: Parameters<typeof files.examine>[0],
  head: Uint8Array,
): Promise<Examined> {
  const mimeType = mediaTypeOf(head);
  return mimeType === undefined ? files.examine(file) : { mimeType, textTokens: null };
}

/** Cuts what arrives into pieces of one size, and gives some of them at once. */
async function* piecesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let pieces: Uint8Array[] = [];
  let piece = new Uint8Array(PIECE_SIZE);
  let filled = 0;
  for await (let chunk of bytes) {
    while (chunk.length > 0) {
      const taken = chunk.subarray(0, PIECE_SIZE - filled);
      piece.set(taken, filled);
      filled += taken.length;
      chunk = chunk.subarray(taken.length);
      if (filled < PIECE_SIZE) continue;
      pieces.push(piece);
      piece = new Uint8Array(PIECE_SIZE);
      filled = 0;
      if (pieces.length < PIECES_AT_ONCE) continue;
      yield pieces;
      pieces = [];
    }
  }
  // A copy, since the rest of the piece is not part of the file.
  if (filled > 0) pieces.push(piece.slice(0, filled));
  if (pieces.length > 0) yield pieces;
}
