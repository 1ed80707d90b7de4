/**
 * The end of a turn that somebody has steered when no step of it was left: the same batch stores
 * the end and begins the turn that answers the first message that waits. The others steer that one.
 */
import type { StoredTurn } from '../../core/message.ts';
import type { Database, Statement } from '../database.ts';
import { reserveOnly } from '../limits/reserve.ts';
import { reservedFrom } from '../limits/reserved.ts';
import { endStatements, endedFrom, type TurnEnd } from './end-turn.ts';
import type { ClaimLimits, ClaimResult, TurnClaim } from './claim.ts';
import { attached, insertMessages, updateConversation } from './claim-turn.ts';
import { insertPlain } from './insert-turn.ts';
import { claimResultFrom, selectClaimResult } from './claim-result.ts';
import { following } from './placement.ts';
import { linesOf } from './steering-lines.ts';

export interface FollowedEnd extends Omit<TurnEnd, 'handled'> {
  /** Of the turn that follows; it has no idempotency key, which the request has used already. */
  claim: TurnClaim;
  /** The number of the message that it answers among those that steered the turn, from 0. */
  number: number;
  limits: ClaimLimits;
}

/**
 * Ends the turn and begins the next; safe to repeat.
 * @returns what is stored now, as `endTurn` does, and what became of the claim
 */
export async function endAndFollow(
  db: Database,
  { claim, number, limits, ...end }: FollowedEnd,
): Promise<{ stored: StoredTurn | undefined; result: ClaimResult }> {
  const placement = following(claim, end.head.turnId);
  // A turn that does not fit the limits begins all the same, and fails by them: its message stays.
  const reservation = claim.reservation ? [reserveOnly(claim.reservation)] : [];
  const ending = endStatements({ ...end, handled: Number.MAX_SAFE_INTEGER });
  const begun = [...ending, insertPlain(claim, placement)];
  const statements = [
    ...begun,
    ...reservation,
    insertMessages(claim, placement),
    updateConversation(claim, placement),
    ...attached(claim),
    ...handOver({ from: end.head.turnId, to: claim.turnId, number }),
    selectClaimResult(claim, placement, limits),
  ];
  const results = await db.batch(statements, 'write', end.retryForMs);
  const told = reservation.length === 0 ? undefined : results[begun.length];
  const stored = await endedFrom(db, results.slice(0, ending.length), end);
  return { stored, result: claimResultFrom(claim, results.at(-1)?.rows[0], reservedFrom(told)) };
}

const LATER_LINES = `FROM turns t JOIN ${linesOf('t.steering')} WHERE t.id = ? AND line.key`;

const MOVE_KEYS = `UPDATE idempotency_keys SET resource_id = ? WHERE resource_id = ?
  AND (scope, key) IN (SELECT line.value ->> 'scope', line.value ->> 'key' ${LATER_LINES} >= ?)
  AND EXISTS (SELECT 1 FROM turns n WHERE n.id = ?)`;

const MOVE_LINES = `UPDATE turns SET steering = (SELECT group_concat(value, char(10))
    FROM (SELECT line.value AS value ${LATER_LINES} > ? ORDER BY line.key))
  WHERE id = ? AND state = 'running' AND steering IS NULL`;

/** Lets the messages that came later steer the turn that follows, and their keys name it. */
function handOver({ from, to, number }: { from: string; to: string; number: number }): Statement[] {
  return [
    { sql: MOVE_KEYS, args: [to, from, from, number, to] },
    { sql: MOVE_LINES, args: [from, number, to] },
  ];
}
