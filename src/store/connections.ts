/** Open WebSockets of processes that share a database. */
import { and, count, eq, gte, lt, sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { batch, now, query } from './query.ts';
import { connections } from './schema.ts';

/** Counts a socket from now on, until its lease runs out or it is removed; safe to repeat. */
export async function addConnection(
  db: Database,
  connection: { id: string; userId: string; instanceId: string },
): Promise<void> {
  const row = { ...connection, heartbeatAt: now };
  const insert = query.insert(connections).values(row).onConflictDoNothing();
  await batch(db, [insert], 'write');
}

/** Counts a socket no more; nothing happens when it was not counted. */
export async function removeConnection(db: Database, id: string): Promise<void> {
  const remove = query.delete(connections).where(eq(connections.id, id));
  await batch(db, [remove], 'write');
}

/** Renews an instance's connections and removes those not renewed for longer than `leaseMs`. */
export async function renewConnections(
  db: Database,
  instanceId: string,
  leaseMs: number,
): Promise<void> {
  const isMine = eq(connections.instanceId, instanceId);
  const renew = query.update(connections).set({ heartbeatAt: now }).where(isMine);
  const isStale = lt(connections.heartbeatAt, sql`${now} - ${leaseMs}`);
  const removeStale = query.delete(connections).where(isStale);
  await batch(db, [renew, removeStale], 'write');
}

/** Counts none of an instance's sockets any more. */
export async function removeInstance(db: Database, instanceId: string): Promise<void> {
  const remove = query.delete(connections).where(eq(connections.instanceId, instanceId));
  await batch(db, [remove], 'write');
}

/** Counts a user's open sockets, over all instances heard of within `leaseMs`. */
export async function countConnections(
  db: Database,
  userId: string,
  leaseMs: number,
): Promise<number> {
  const isAlive = gte(connections.heartbeatAt, sql`${now} - ${leaseMs}`);
  const select = query
    .select({ open: count() })
    .from(connections)
    .where(and(eq(connections.userId, userId), isAlive));
  const [found] = await batch(db, [select], 'read');
  return found[0]?.open ?? 0;
}
