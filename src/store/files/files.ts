/** Files: making, finding, listing. The owner is in every WHERE. */
import {
  and,
  desc,
  eq,
  exists,
  getTableColumns,
  inArray,
  isNull,
  lt,
  notExists,
  or,
  sql,
  type SQL,
} from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import type { StoredFile } from '../../core/file.ts';
import type { Principal } from '../../core/principal.ts';
import type { Created } from '../conversations.ts';
import type { Database } from '../database.ts';
import { knownResource, rememberKey, selectFingerprint, type Key } from '../idempotency-keys.ts';
import { ownedBy, ownerOf } from '../ownership.ts';
import { pageOf, type Page } from '../page.ts';
import { batch, now, prepare, query, selectRow, statement, type Given } from '../query.ts';
import { fileContents, filePieces, files } from '../schema.ts';
import type { UserBudgetAsk } from '../limits/budget.ts';
import { bytesLeft } from '../limits/stored-bytes.ts';
import { removeFiles } from './remove-files.ts';

const { isRemoved: _, ...columns } = getTableColumns(files);

/** The columns of a file that are read. */
export const fileColumns = columns;

const selectKnown = prepare(({ userId, sha256 }: Given<'userId' | 'sha256'>) =>
  query
    .select({
      contentId: files.contentId,
      mimeType: fileContents.mimeType,
      textTokens: files.textTokens,
    })
    .from(fileContents)
    .innerJoin(files, eq(files.contentId, fileContents.id))
    .where(and(eq(fileContents.userId, userId), eq(fileContents.sha256, sha256)))
    .limit(1),
);

/** Finds what the same bytes of the same owner were found to be; undefined for new ones. */
export async function findContent(
  db: Database,
  { userId, sha256 }: { userId: string; sha256: string },
) {
  const [[found]] = await batch(db, [selectKnown({ userId, sha256 })], 'read');
  return found && { ...found, mimeType: found.mimeType ?? '' };
}

/** A file that is to be made. Its bytes have arrived as `contentId`. */
export type NewFile = Omit<StoredFile, 'createdAt'>;

/** The circumstances under which a file is made. */
interface Making {
  idempotency?: Key | undefined;
  /** False when the bytes were known a moment ago, and so not looked at. */
  isDescribed: boolean;
  /** The limits by which new bytes must fit; undefined where nobody has limits. */
  room?: UserBudgetAsk | undefined;
}

/**
 * Makes a file of bytes that have arrived. Where its owner has the same bytes already, it shares
 * them, and those that have arrived are dropped.
 * @returns `deleted` also when there is no room for the bytes, and when those known ones have been
 *   deleted meanwhile; what arrived is kept
 */
export async function createFile(
  db: Database,
  file: NewFile,
  { idempotency, isDescribed, room }: Making,
): Promise<Created<StoredFile>> {
  const { id, userId, contentId, sha256, size } = file;
  const key = idempotency ?? { scope: '', key: '' };
  const same = alias(fileContents, 'same');
  const isSame = and(eq(same.userId, userId), eq(same.sha256, sha256));
  const known = query.select({ id: same.id }).from(same).where(isSame);
  const isNew = notExists(knownResource(key));
  const row = selectRow(files, {
    ...file,
    contentId: sql`${known}`,
    ...{ isRemoved: false, createdAt: now },
  });
  const isArriving = and(eq(fileContents.id, contentId), isNull(fileContents.sha256));
  const isDouble = and(isArriving, or(exists(known), exists(knownResource(key))));
  const doubles = query.select({ id: fileContents.id }).from(fileContents).where(isDouble);
  const becomesTheirs = query
    .update(fileContents)
    .set({ userId, sha256, size, mimeType: file.mimeType });
  const insert = query.insert(files).select(sql`${row} where ${and(isNew, exists(known))}`);
  const isWanted = sql`${files.id} = coalesce(${knownResource(key)}, ${id})`;
  const [, , , , , [found], [fingerprint]] = await batch(
    db,
    [
      isDescribed
        ? [
            statement(
              becomesTheirs.where(
                and(isArriving, isNew, notExists(known), room && fits(room, size)),
              ),
            ),
          ]
        : [],
      insert.onConflictDoNothing(),
      query.delete(filePieces).where(inArray(filePieces.contentId, doubles)),
      query.delete(fileContents).where(isDouble),
      idempotency ? [rememberKey(idempotency, selectId(id))] : [],
      query
        .select(columns)
        .from(files)
        .where(and(isWanted, eq(files.userId, userId))),
      selectFingerprint(key),
    ],
    'write',
  );
  if (fingerprint && fingerprint.fingerprint !== idempotency?.fingerprint)
    return { kind: 'key_reused' };
  if (!found) return { kind: 'deleted' };
  return { kind: found.id === id ? 'created' : 'repeated', value: found };
}

/** True when a user's limit has room for so many bytes more. */
function fits({ userId, defaults }: UserBudgetAsk, size: number): SQL {
  return sql`coalesce(${bytesLeft(userId, defaults.stored_bytes)}, ${size}) >= ${size}`;
}

function selectId(id: string) {
  return statement(query.select({ id: files.id }).from(files).where(eq(files.id, id)));
}

interface Mine {
  id: string;
  principal: Principal;
}

function isMine({ id, owner }: Given<'id' | 'owner'>): SQL | undefined {
  return and(eq(files.id, id), ownedBy(files.userId, owner));
}

const selectMine = prepare((given: Given<'id' | 'owner'>) =>
  query.select(columns).from(files).where(isMine(given)),
);

/** Reads what is known of a file; undefined where there is none for this caller. */
export async function readFile(
  db: Database,
  { id, principal }: Mine,
): Promise<StoredFile | undefined> {
  const [[found]] = await batch(db, [selectMine({ id, owner: ownerOf(principal) })], 'read');
  return found;
}

/** Lists a user's files, newest first. @param cursor the last id of the page before */
export async function listFiles(
  db: Database,
  { userId, limit, cursor }: { userId: string; limit: number; cursor?: string | undefined },
): Promise<Page<StoredFile>> {
  const isListed = and(
    eq(files.userId, userId),
    cursor === undefined ? undefined : lt(files.id, cursor),
  );
  const select = query.select(columns).from(files).where(isListed).orderBy(desc(files.id));
  const [rows] = await batch(db, [select.limit(limit + 1)], 'read');
  return pageOf(
    rows,
    limit,
    (file) => file,
    ({ id }) => id,
  );
}

/**
 * Deletes a file, with its bytes where no other file has them. Messages keep its name. In a request
 * of its own, it is found first: a deletion that is repeated, its answer lost, finds nothing.
 * @returns false when there is none for this caller
 */
export async function deleteFile(db: Database, mine: Mine): Promise<boolean> {
  const found = await readFile(db, mine);
  if (!found) return false;
  await batch(db, [removeFiles(eq(files.id, found.id))], 'write');
  return true;
}
