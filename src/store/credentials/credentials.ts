/** Credentials as they are stored: made, listed and revoked. The user is in every WHERE. */
import { and, desc, eq, inArray, isNull, lt, sql, type SQL } from 'drizzle-orm';
import type { CredentialKind, Scope } from '../../core/principal.ts';
import type { Database } from '../database.ts';
import { pageOf, type Page } from '../page.ts';
import { batch, now, query } from '../query.ts';
import { credentials } from '../schema.ts';

/** A credential that was just minted. */
export interface NewCredential {
  id: string;
  kind: CredentialKind;
  userId: string;
  /** SHA-256 of its text, hexadecimal. */
  hash: string;
  name: string | null;
  scopes: Scope[];
  /** The credential that it is got for; null for a key, and for what is got for a token. */
  parentId: string | null;
  /** Milliseconds since the epoch; null for never. */
  expiresAt: number | null;
}

export interface StoredKey {
  id: string;
  userId: string;
  name: string | null;
  scopes: Scope[];
  createdAt: number;
  expiresAt: number | null;
}

const keyColumns = {
  id: credentials.id,
  userId: credentials.userId,
  name: credentials.name,
  scopes: credentials.scopes,
  createdAt: credentials.createdAt,
  expiresAt: credentials.expiresAt,
};

/**
 * Milliseconds after which a session or ticket that has ended is forgotten: no turn lasts longer.
 */
const FORGOTTEN_AFTER_MS = 2 * 24 * 60 * 60 * 1000;

/** Stores a credential, safe to repeat, and forgets the user's sessions and tickets of long ago. */
export async function createCredential(db: Database, credential: NewCredential): Promise<number> {
  const row = { ...credential, boundTo: null, createdAt: now, revokedAt: null };
  const isOld = and(
    eq(credentials.userId, credential.userId),
    inArray(credentials.kind, ['session', 'ticket']),
    lt(credentials.expiresAt, sql`${now} - ${FORGOTTEN_AFTER_MS}`),
  );
  const made = query
    .select({ createdAt: credentials.createdAt })
    .from(credentials)
    .where(eq(credentials.id, credential.id));
  const [, , [stored]] = await batch(
    db,
    [
      query.delete(credentials).where(isOld),
      query.insert(credentials).values(row).onConflictDoNothing(),
      made,
    ],
    'write',
  );
  return stored?.createdAt ?? 0;
}

interface KeyQuery {
  /** Undefined for the keys of all users. */
  userId?: string | undefined;
  limit: number;
  /** The id of the last key of the page before. */
  cursor?: string | undefined;
}

/** Written out, since the index of keys asks for it. */
const isKey = sql`${credentials.kind} = 'key'`;

/** Lists the keys that were not revoked, newest first. */
export async function listKeys(
  db: Database,
  { userId, limit, cursor }: KeyQuery,
): Promise<Page<StoredKey>> {
  const { createdAt, id } = credentials;
  const last = sql`(select ${createdAt}, ${id} from ${credentials} where ${id} = ${cursor})`;
  const which = and(
    userId === undefined ? undefined : eq(credentials.userId, userId),
    isKey,
    isNull(credentials.revokedAt),
    cursor === undefined ? undefined : sql`(${createdAt}, ${id}) < ${last}`,
  );
  const select = query.select(keyColumns).from(credentials).where(which);
  const [rows] = await batch(
    db,
    [select.orderBy(desc(createdAt), desc(id)).limit(limit + 1)],
    'read',
  );
  return pageOf(
    rows,
    limit,
    (row) => row,
    (key) => key.id,
  );
}

/**
 * Revokes a credential, with the sessions and tickets that were got for it.
 * @param userId whose it must be; undefined for anybody's
 * @returns false when there is none that holds
 */
export async function revokeCredential(
  db: Database,
  { id, kind, userId }: { id: string; kind: CredentialKind; userId?: string | undefined },
): Promise<boolean> {
  const isIt = and(
    eq(credentials.id, id),
    eq(credentials.kind, kind),
    userId === undefined ? undefined : eq(credentials.userId, userId),
    isNull(credentials.revokedAt),
  );
  const [, , result] = await batch(db, [...revokeBelow(isIt), revoke(isIt)], 'write');
  return result.rowsAffected > 0;
}

/** Revokes all credentials of a user. @returns how many keys held */
export async function revokeUser(db: Database, userId: string): Promise<number> {
  const isTheirs = and(eq(credentials.userId, userId), isNull(credentials.revokedAt));
  const areKeys = and(isTheirs, eq(credentials.kind, 'key'));
  const isOther = and(isTheirs, inArray(credentials.kind, ['session', 'ticket']));
  const [keys] = await batch(db, [revoke(areKeys), revoke(isOther)], 'write');
  return keys.rowsAffected;
}

function revoke(which: SQL | undefined) {
  return query.update(credentials).set({ revokedAt: now }).where(which);
}

/** Tickets may have been got for a session, and that for a key: two generations. */
function revokeBelow(which: SQL | undefined) {
  const parents = query.select({ id: credentials.id }).from(credentials).where(which);
  const children = query
    .select({ id: credentials.id })
    .from(credentials)
    .where(inArray(credentials.parentId, parents));
  return [
    revoke(inArray(credentials.parentId, children)),
    revoke(inArray(credentials.parentId, parents)),
  ] as const;
}
