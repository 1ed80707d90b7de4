/**
 * Turns whose clients had gone before anything was told them. An answer that nobody has read is as
 * good as a new one for whoever asks the same next: it is given once, to a request that says
 * exactly the same within a minute, so that clients which repeat requests by themselves cost no
 * second call of the model. Answers that were read are never given again, those that have failed
 * are not given at all, and equal requests that run at the same time are not joined.
 */
import { and, eq, exists, inArray, sql } from 'drizzle-orm';
import type { Status } from '../core/message.ts';
import type { Database } from './database.ts';
import { KEY_LIFETIME_MS, type Key } from './idempotency-keys.ts';
import { batch, now, query } from './query.ts';
import { idempotencyKeys, messages, turns } from './schema.ts';

/** Milliseconds for which an unread turn waits for its client: the last repeats come by then. */
const WAITS_MS = 60_000;

/**
 * Returns the key by which a turn that nobody has read is found.
 * @param request the hash of the request
 * @param said what tells the request from others with the same body
 */
export function unreadKey(
  request: string,
  { scope, said }: { scope: string; said: readonly unknown[] },
): Key {
  const key = JSON.stringify(['unread', request, ...said]);
  return { scope, key, fingerprint: request, isForUnread: true };
}

/** Notes that nobody has read a turn. */
export async function noteUnread(
  db: Database,
  { scope, key, fingerprint }: Key,
  turnId: string,
): Promise<void> {
  // All keys are forgotten at the same age, which this one has sooner.
  const createdAt = sql`${now} - ${sql.raw(String(KEY_LIFETIME_MS - WAITS_MS))}`;
  const found = { fingerprint, resourceId: turnId, createdAt };
  const insert = query
    .insert(idempotencyKeys)
    .values({ scope, key, ...found })
    .onConflictDoUpdate({ target: [idempotencyKeys.scope, idempotencyKeys.key], set: found });
  await batch(db, [insert], 'write');
}

/** Answers that are no better than none: who asks again gets another one. */
const LOST: Status[] = ['cancelled', 'interrupted', 'failed'];

/**
 * Takes an unread turn, so that nobody else is given it.
 * @returns false where somebody has taken it, or where it has failed by now
 */
export async function takeUnread(db: Database, { scope, key }: Key): Promise<boolean> {
  const isLost = query
    .select({ id: turns.id })
    .from(turns)
    .innerJoin(messages, eq(messages.id, turns.assistantMessageId))
    .where(and(eq(turns.id, idempotencyKeys.resourceId), inArray(messages.status, LOST)));
  const forget = query
    .delete(idempotencyKeys)
    .where(and(eq(idempotencyKeys.scope, scope), eq(idempotencyKeys.key, key)))
    .returning({ isLost: exists(isLost).mapWith(Boolean) });
  const [[taken]] = await batch(db, [forget], 'write');
  return taken !== undefined && !taken.isLost;
}
