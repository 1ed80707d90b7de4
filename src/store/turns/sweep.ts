/** The sweep, which every process makes at intervals: it takes over turns that are lost. */
import { and, lt, not, sql } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { KEY_LIFETIME_MS } from '../idempotency-keys.ts';
import { batch, now, query } from '../query.ts';
import { idempotencyKeys, turns } from '../schema.ts';
import { interrupt, isStale, secondLook } from './interrupt.ts';

/**
 * Ends what dead owners left behind and forgets old idempotency keys.
 * @param running the turns of whoever sweeps: their owner is not dead, however long the database
 *   could not hear of them
 */
export async function sweep(
  db: Database,
  leaseMs: number,
  running: readonly string[] = [],
): Promise<void> {
  const isAlive = sql`${turns.id} in (select value from json_each(${JSON.stringify(running)}))`;
  const isLost = and(not(isAlive), isStale(leaseMs));
  const [[found]] = await batch(
    db,
    [query.select({ id: turns.id }).from(turns).where(isLost).limit(1)],
    'read',
  );
  if (found) await secondLook();
  const isOld = lt(idempotencyKeys.createdAt, sql`${now} - ${KEY_LIFETIME_MS}`);
  await batch(db, [interrupt(isLost), query.delete(idempotencyKeys).where(isOld)], 'write');
}
