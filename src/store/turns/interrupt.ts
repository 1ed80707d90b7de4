/** Turns whose owner has gone: how they are told, and how they are ended. */
import { and, eq, inArray, lt, sql, type Placeholder, type SQL } from 'drizzle-orm';
import type { Failure } from '../../core/errors.ts';
import { sleep } from '../../core/retry.ts';
import type { Database, Statement } from '../database.ts';
import { batch, now, plain, query, statement } from '../query.ts';
import { messages, turns } from '../schema.ts';
import { isIn, isRunning } from './running-in.ts';
import { keepSteering } from './lost-steering.ts';
import { sentTokens } from './sent-tokens.ts';

/** Returns the condition that a turn runs, its owner silent for longer than its lease. */
export function isStale(leaseMs: number | Placeholder): SQL | undefined {
  return and(isRunning, lt(turns.heartbeatAt, sql`${now} - ${leaseMs}`));
}

/** An owner that could not reach the database renews its heartbeat so soon after its return, ms. */
const SECOND_LOOK_MS = 1_500;

/**
 * Waits between seeing that a lease has run out and ending the turn: it may have been the database
 * that was away, not the owner.
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
  return interrupt(and(isIn(conversationId), isStale(leaseMs)));
}

const LOST: Failure = {
  code: 'turn_lost',
  detail: 'The server that was answering stopped; what it had stored is kept',
};

/** About how many tokens the model of a turn was sent, and has said by the last checkpoint. */
const SENT = sql.raw(`(${sentTokens('turns.prompt_message_id', 4)})`);
const SAID = sql`(select (m.text_length + 3) / 4 from messages m where m.id = ${turns.assistantMessageId})`;

/**
 * Records what a lost turn has used, as far as that is known: nobody else will, unless its instance
 * comes back, whose own entry then takes the place of this one.
 */
function settle(which: SQL | undefined): Statement {
  return plain(sql`insert into ledger (work_id, number, user_id, conversation_id, key_id, kind, model, input_tokens,
      output_tokens, cached_tokens, reasoning_tokens, is_estimated, nanodollars, created_at)
    select ${turns.id}, 0, ${turns.userId}, ${turns.conversationId}, ${turns.keyId}, 'answer', ${turns.model}, coalesce(${turns.reservedInput}, ${SENT}),
      ${SAID}, 0, 0, 1, cast(round(${turns.reservedInput} * ${turns.inputPrice} + ${SAID} * ${turns.outputPrice}) as integer), ${turns.startedAt}
    from ${turns} where ${which} on conflict do nothing`);
}

/** Ends turns. @param which the condition on `turns` */
export function interrupt(which: SQL | undefined): Statement[] {
  const answers = query.select({ id: turns.assistantMessageId }).from(turns).where(which);
  const isAnswer = and(eq(messages.status, 'streaming'), inArray(messages.id, answers));
  const ended = { state: 'ended', endedAt: now, error: LOST, budget: null } as const;
  return [
    settle(which),
    statement(query.update(messages).set({ status: 'interrupted' }).where(isAnswer)),
    ...keepSteering(which, LOST),
    statement(query.update(turns).set(ended).where(which)),
  ];
}
