/** Turns whose owner has gone: how they are told, and how they are ended. */
import { and, eq, inArray, lt, sql, type Placeholder, type SQL } from 'drizzle-orm';
import type { Failure } from '../../core/errors.ts';
import { sleep } from '../../core/retry.ts';
import type { Database, Statement } from '../database.ts';
import { batch, now, query, statement } from '../query.ts';
import { messages, turns } from '../schema.ts';

/** The condition that a turn runs; written out, since the index of running turns asks for it. */
export const isRunning: SQL = sql`${turns.state} = 'running'`;

/** The condition that a turn runs, its owner silent for longer than its lease. */
export function isStale(leaseMs: number | Placeholder): SQL | undefined {
  return and(isRunning, lt(turns.heartbeatAt, sql`${now} - ${leaseMs}`));
}

/** An owner that could not reach the database renews its heartbeat so soon after its return, ms. */
const SECOND_LOOK_MS = 1_500;

/**
 * To be awaited between seeing that a lease has run out and ending the turn: it may have been the
 * database that was away, not the owner.
 */
export function secondLook(): Promise<void> {
  return sleep(SECOND_LOOK_MS);
}

/** Ends the stale turn of a conversation now: for one that stands in the way of a new one. */
export async function interruptLost(
  db: Database,
  conversationId: string,
  leaseMs: number,
): Promise<void> {
  await secondLook();
  await batch(db, [interruptStale(conversationId, leaseMs)], 'write');
}

/** Ends the stale turn of a conversation, keeping the text of its last checkpoint. */
export function interruptStale(conversationId: string, leaseMs: number): Statement[] {
  return interrupt(and(eq(turns.conversationId, conversationId), isStale(leaseMs)));
}

const LOST: Failure = {
  code: 'turn_lost',
  detail: 'The server that was answering stopped; what it had stored is kept',
};

/** Ends turns. @param which the condition on `turns` */
export function interrupt(which: SQL | undefined): Statement[] {
  const answers = query.select({ id: turns.assistantMessageId }).from(turns).where(which);
  const isAnswer = and(eq(messages.status, 'streaming'), inArray(messages.id, answers));
  const ended = { state: 'ended', endedAt: now, error: LOST } as const;
  return [
    statement(query.update(messages).set({ status: 'interrupted' }).where(isAnswer)),
    statement(query.update(turns).set(ended).where(which)),
  ];
}
