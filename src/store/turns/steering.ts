/**
 * Messages that come while a turn runs and are to steer it. They are kept in the row of that turn,
 * in the order of their coming, and are never taken out: those that have joined are parts of the
 * answer as well, and those that have not become turns of their own when the turn ends.
 */
import { eq } from 'drizzle-orm';
import { encodeSteering, hasJoined, type Steering } from '../../core/steering.ts';
import type { Part } from '../../core/parts.ts';
import { NOW, type Database, type Statement } from '../database.ts';
import { KNOWN_RESOURCE, releaseKey } from '../idempotency-keys.ts';
import { isOwned, ownerArgs } from '../ownership.ts';
import { batch, prepare, query, type Given } from '../query.ts';
import { text, type Row } from '../rows.ts';
import { messages, turns } from '../schema.ts';
import { keyArgs, type ClaimLimits, type ClaimResult, type TurnClaim } from './claim.ts';
import { COUNTS, linesOf } from './steering-lines.ts';
import { RUNS_IN } from './running-in.ts';
import { readRepaired } from './read-repaired.ts';

/** The most messages that may come while one turn runs. */
const MOST_STEERING = 20;

const IS_THERE = `EXISTS (SELECT 1 FROM ${linesOf('turns.steering')} WHERE line.value ->> 'id' = ?)`;
/** True where the message is asked, or has come, already: it takes the parts of the message. */
const IS_SAID = `(EXISTS (SELECT 1 FROM messages q WHERE q.id = turns.prompt_message_id AND q.parts = ?)
    OR EXISTS (SELECT 1 FROM ${linesOf('turns.steering')} WHERE line.value ->> 'parts' = ? AND ${COUNTS}))`;

const STEER = `UPDATE turns
  SET steering = coalesce(steering || char(10), '') || json_set(?, '$.createdAt', strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
  WHERE ${RUNS_IN} AND id <> ? AND heartbeat_at > ${NOW} - ?
    AND assistant_message_id = coalesce(?, assistant_message_id)
    AND EXISTS (SELECT 1 FROM conversations c WHERE c.id = turns.conversation_id AND ${isOwned('c.user_id')})
    AND NOT EXISTS (${KNOWN_RESOURCE}) AND NOT EXISTS (${KNOWN_RESOURCE})
    AND NOT ${IS_THERE} AND (SELECT count(*) FROM ${linesOf('turns.steering')}) < ${MOST_STEERING}
    AND NOT (? AND ${IS_SAID})`;

/**
 * Returns the statement that stores the message of a claim with the turn that is in its way; where
 * there is none, or the message is there already, it changes nothing.
 */
export function steer(claim: TurnClaim, { leaseMs }: ClaimLimits): Statement {
  const { scope, key } = releaseKey(claim.turnId);
  const message = steeringOf(claim);
  const { id, parts } = message;
  return {
    sql: STEER,
    args: [
      ...[encodeSteering([message]), claim.conversationId, claim.turnId, leaseMs],
      claim.steering?.after ?? null,
      ...ownerArgs(claim.principal),
      ...keyArgs(claim),
      ...[scope, key, id, joinsSameText(claim), parts, parts],
    ],
  };
}

function joinsSameText({ steering }: TurnClaim): number {
  return steering?.joinsSameText ? 1 : 0;
}

function steeringOf({ steering }: TurnClaim): Steering {
  if (!steering) throw new TypeError('the claim does not steer');
  return steering.message;
}

const STEERED_TURN = `SELECT id FROM turns WHERE ${RUNS_IN} AND (id = ? OR ${IS_THERE})`;

/** Selects what a key has made: the turn of the claim, or the one that it steers. */
export function steeredTurnOf(claim: TurnClaim): Statement {
  const { id } = steeringOf(claim);
  return { sql: STEERED_TURN, args: [claim.conversationId, claim.turnId, id] };
}

const SELECT_STEERED = `SELECT turns.id AS turn_id, line.value ->> 'id' AS message_id
  FROM turns JOIN conversations c ON c.id = turns.conversation_id JOIN ${linesOf('turns.steering')}
  WHERE ${RUNS_IN} AND turns.id <> ? AND ${isOwned('c.user_id')} AND ${COUNTS}
    AND (line.value ->> 'id' = ? OR (line.value ->> 'scope' = ? AND line.value ->> 'key' = ?) OR (? AND line.value ->> 'parts' = ?))
  LIMIT 1`;

/** Returns the statement that finds the message of a claim among those that steer a turn. */
export function selectSteered(claim: TurnClaim): Statement {
  const { id, parts } = steeringOf(claim);
  const { conversationId, turnId, principal } = claim;
  const owner = ownerArgs(principal);
  const same = [joinsSameText(claim), parts];
  return {
    sql: SELECT_STEERED,
    args: [conversationId, turnId, ...owner, id, ...keyArgs(claim), ...same],
  };
}

/** Returns what became of the claim by a row of {@link selectSteered}. */
export function steeredFrom(row: Row | undefined): ClaimResult | undefined {
  if (!row) return undefined;
  return { kind: 'steers', turnId: text(row['turn_id']), messageId: text(row['message_id']) };
}

const RELEASE = `UPDATE turns SET steering = replace(steering, ?, ?)
  WHERE ${RUNS_IN} AND ${IS_THERE}`;

const FORGET_KEY = `DELETE FROM idempotency_keys WHERE scope = ? AND key = ?
  AND resource_id IN (SELECT id FROM turns WHERE ${RUNS_IN} AND ${IS_THERE})`;

/** Returns the statements that take the message of a claim back, if it has not joined yet. */
export function releaseSteering(claim: TurnClaim): Statement[] {
  const { steering, conversationId } = claim;
  if (!steering) return [];
  const { id } = steering.message;
  const name = `"id":${JSON.stringify(id)}`;
  return [
    { sql: FORGET_KEY, args: [...keyArgs(claim), conversationId, id] },
    { sql: RELEASE, args: [name, `${name},"isReleased":true`, conversationId, id] },
  ];
}

const selectLines = prepare(({ turnId }: Given<'turnId'>) =>
  query.select({ steering: turns.steering }).from(turns).where(eq(turns.id, turnId)),
);

/** Reads the messages that steer a turn, in the order of their coming. */
export async function readSteering(db: Database, turnId: string): Promise<Steering[]> {
  const [[found]] = await batch(db, [selectLines({ turnId })], 'read');
  return found?.steering ?? [];
}

const selectStanding = prepare(({ turnId }: Given<'turnId'>) =>
  query
    .select({ state: turns.state, steering: turns.steering, parts: messages.parts })
    .from(turns)
    .innerJoin(messages, eq(messages.id, turns.assistantMessageId))
    .where(eq(turns.id, turnId)),
);

const selectTurnOf = prepare(({ messageId }: Given<'messageId'>) =>
  query.select({ turnId: messages.turnId }).from(messages).where(eq(messages.id, messageId)),
);

/** The place of a message that came to steer a turn. */
export type SteeringPlace =
  /** This turn answers it. */
  | { kind: 'answered'; turnId: string }
  /** It waits for the next step of this turn, or for its end. */
  | { kind: 'waits'; turnId: string }
  /** It has been deleted, or taken back. */
  | { kind: 'gone' };

/**
 * Finds where a message is.
 * @param turnId the turn by which it was last seen to wait
 */
export async function findSteering(
  db: Database,
  { turnId, messageId, leaseMs }: { turnId: string; messageId: string; leaseMs: number },
): Promise<SteeringPlace> {
  const select = [selectTurnOf({ messageId }), selectStanding({ turnId })] as const;
  const [[own], [turn]] = await readRepaired(db, { select, stale: { turnId }, leaseMs });
  if (own?.turnId) return { kind: 'answered', turnId: own.turnId };
  if (!turn) return { kind: 'gone' };
  if (hasJoined(turn.parts, messageId)) return { kind: 'answered', turnId };
  if (turn.state === 'running') return { kind: 'waits', turnId };
  const next = nextTurn(turn.steering ?? [], turn.parts);
  return next ? { kind: 'waits', turnId: next } : { kind: 'gone' };
}

/** Returns the turn that follows one that has ended: the first message that did not join has it. */
function nextTurn(steering: readonly Steering[], parts: readonly Part[]): string | undefined {
  return steering.find(({ id, isReleased }) => !isReleased && !hasJoined(parts, id))?.turnId;
}
