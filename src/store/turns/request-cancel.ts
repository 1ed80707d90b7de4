/** The wish of others than a turn's owner that it be cancelled. */
import { and, eq } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { batch, now, query } from '../query.ts';
import { turns } from '../schema.ts';
import { isRunning } from './running-in.ts';

/** Asks a turn's owner, wherever it is, to cancel it: it looks about once a second. */
export async function requestCancel(db: Database, turnId: string): Promise<void> {
  const isIt = and(eq(turns.id, turnId), isRunning);
  await batch(db, [query.update(turns).set({ cancelRequestedAt: now }).where(isIt)], 'write');
}
