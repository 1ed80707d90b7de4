/** Limits of single users and of single keys, which were set for them. */
import { and, eq, exists, isNotNull, isNull, sql, type SQL } from 'drizzle-orm';
import { LIMIT_NAMES, type LimitName } from '../../core/limits.ts';
import type { Database } from '../database.ts';
import { batch, query, selectRow } from '../query.ts';
import { credentials, keyLimits, turns, usageRequests, usageSums, userLimits } from '../schema.ts';
import { isRunning } from '../turns/running-in.ts';
import { NONE } from './limits.ts';

/** The limits that were set: null for no limit; what is left out was not set. */
export type OwnLimits = Readonly<Partial<Record<LimitName, number | null>>>;

const COLUMNS = {
  requests_per_minute: 'requestsPerMinute',
  turns_at_once: 'turnsAtOnce',
  streams: 'streams',
  tokens_per_day: 'tokensPerDay',
  tokens_per_month: 'tokensPerMonth',
  cost_per_month: 'costPerMonth',
  stored_bytes: 'storedBytes',
} as const satisfies Record<LimitName, keyof typeof userLimits.$inferSelect>;

type Columns = Record<(typeof COLUMNS)[LimitName], number | null>;

function columnsOf(own: OwnLimits): Columns {
  const values = LIMIT_NAMES.map((name) => {
    const limit = own[name];
    return [COLUMNS[name], limit === undefined ? null : (limit ?? NONE)];
  });
  // One for each name.
  return Object.fromEntries(values) as Columns;
}

/** Sets the limits of a user, in place of those that were set before. */
export async function setLimits(db: Database, userId: string, own: OwnLimits): Promise<void> {
  const set = columnsOf(own);
  const insert = query.insert(userLimits).values({ userId, ...set });
  const limit = insert.onConflictDoUpdate({ target: userLimits.userId, set });
  const anew = countAnew(and(eq(usageSums.userId, userId), eq(usageSums.keyId, '')));
  await batch(db, [limit, ...anew], 'write');
}

/**
 * Sets the limits of a key, in place of those that were set before.
 * @param userId whose it must be; undefined for anybody's
 * @returns whose it is; undefined when there is no such key, or it was revoked
 */
export async function setKeyLimits(
  db: Database,
  { keyId, userId }: { keyId: string; userId: string | undefined },
  own: OwnLimits,
): Promise<string | undefined> {
  const set = columnsOf(own);
  const isIt = and(
    eq(credentials.id, keyId),
    eq(credentials.kind, 'key'),
    isNull(credentials.revokedAt),
    userId === undefined ? undefined : eq(credentials.userId, userId),
  );
  const row = selectRow(keyLimits, { keyId, userId: credentials.userId, ...set });
  const insert = query.insert(keyLimits).select(sql`${row} from ${credentials} where ${isIt}`);
  const owner = query.select({ userId: credentials.userId }).from(credentials).where(isIt);
  const limit = insert.onConflictDoUpdate({ target: keyLimits.keyId, set });
  const anew = countAnew(and(eq(usageSums.keyId, keyId), exists(owner)));
  const [[found]] = await batch(db, [owner, limit, countRunning(keyId), ...anew], 'write');
  return found?.userId;
}

/**
 * Lets the requests of the last minute be counted from the ledger: while there was no limit, nobody
 * counted them.
 */
function countAnew(whose: SQL | undefined) {
  const { userId, keyId } = usageSums;
  const owners = query.select({ userId, keyId }).from(usageSums).where(whose);
  const isTheirs = sql`(${usageRequests.userId}, ${usageRequests.keyId}) in ${owners}`;
  return [
    query.delete(usageRequests).where(isTheirs),
    query.update(usageSums).set({ requestsSince: null }).where(whose),
  ] as const;
}

/** Lets what the running turns of a key have reserved count for limits that it gets now. */
function countRunning(keyId: string) {
  const hasReserved = and(isRunning, isNotNull(turns.reservedInput));
  const hasLimits = query.select({ id: keyLimits.keyId }).from(keyLimits);
  return query
    .update(turns)
    .set({ reservedKeyId: keyId })
    .where(
      and(hasReserved, eq(turns.keyId, keyId), exists(hasLimits.where(eq(keyLimits.keyId, keyId)))),
    );
}
