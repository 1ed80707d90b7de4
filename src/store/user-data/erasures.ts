/**
 * Deletions of users' data that are not done. The row of one outlives whoever does it: when nobody
 * renews it any more, the next process goes on.
 */
import { and, asc, eq, isNotNull, isNull, lte, or, sql } from 'drizzle-orm';
import type { Database, Statement } from '../database.ts';
import { batch, now, query, statement } from '../query.ts';
import { erasures, turns } from '../schema.ts';
import { isRunning } from '../turns/running-in.ts';

/** A deletion that is not done. */
export interface Erasure {
  userId: string;
  /** The time when the rows of limits go too, in milliseconds; null when with the rest. */
  keepsUsageUntil: number | null;
}

/** Milliseconds without a renewal after which somebody else goes on with a deletion. */
export const ERASURE_LEASE_MS = 15_000;

const later = sql`${now} + ${sql.raw(String(ERASURE_LEASE_MS))}`;
const END_OF_MONTH = sql`cast(unixepoch('now', 'start of month', '+1 month') * 1000 as integer)`;
const columns = { userId: erasures.userId, keepsUsageUntil: erasures.keepsUsageUntil };

/**
 * Notes that a user's data is to be deleted; safe to repeat.
 * @param keepsUsage true when what limits count stays to the end of the month
 */
export async function beginErasure(
  db: Database,
  { userId, keepsUsage }: { userId: string; keepsUsage: boolean },
): Promise<Erasure> {
  const keepsUsageUntil = keepsUsage ? END_OF_MONTH : null;
  const row = { userId, requestedAt: now, dueAt: later, keepsUsageUntil };
  const [, [begun]] = await batch(
    db,
    [
      query
        .insert(erasures)
        .values(row)
        .onConflictDoUpdate({ target: erasures.userId, set: { dueAt: later, keepsUsageUntil } }),
      query.select(columns).from(erasures).where(eq(erasures.userId, userId)),
    ],
    'write',
  );
  return begun ?? { userId, keepsUsageUntil: null };
}

/** Returns a deletion that nobody renews, if there is one, and takes it. */
export async function takeErasure(db: Database): Promise<Erasure | undefined> {
  const due = query.select(columns).from(erasures).where(lte(erasures.dueAt, now));
  const [[found]] = await batch(db, [due.orderBy(asc(erasures.dueAt)).limit(1)], 'read');
  if (!found) return undefined;
  const isStillDue = and(eq(erasures.userId, found.userId), lte(erasures.dueAt, now));
  const take = query.update(erasures).set({ dueAt: later }).where(isStillDue);
  const [taken] = await batch(db, [take], 'write');
  return taken.rowsAffected === 1 ? found : undefined;
}

/** Renews a deletion, so that nobody else goes on with it meanwhile. */
export function renewErasure(userId: string): Statement {
  const isIt = eq(erasures.userId, userId);
  return statement(query.update(erasures).set({ dueAt: later }).where(isIt));
}

/** Ends a deletion: it is done, or waits for the end of the month. */
export async function finishErasure(db: Database, userId: string): Promise<void> {
  const isIt = eq(erasures.userId, userId);
  const isDone = or(isNull(erasures.keepsUsageUntil), lte(erasures.keepsUsageUntil, now));
  const waits = { dueAt: sql`${erasures.keepsUsageUntil}` };
  await batch(
    db,
    [
      query.delete(erasures).where(and(isIt, isDone)),
      query
        .update(erasures)
        .set(waits)
        .where(and(isIt, isNotNull(erasures.keepsUsageUntil))),
    ],
    'write',
  );
}

/** Returns the turns of a user that run. */
export async function runningTurnsOf(
  db: Database,
  userId: string,
): Promise<{ turnId: string; conversationId: string }[]> {
  const running = query
    .select({ turnId: turns.id, conversationId: turns.conversationId })
    .from(turns)
    .where(and(eq(turns.userId, userId), isRunning));
  const [found] = await batch(db, [running], 'read');
  return found;
}
