/** What changes to a tree of messages have in common: which messages lie below one, and what stands in the way. */
import type { Principal } from '../../core/principal.ts';
import { NOW, type Statement } from '../database.ts';
import { isOwned, ownerArgs } from '../ownership.ts';
import { CONVERSATION_COLUMNS, number, optionalText, type Row } from '../rows.ts';

/** The turn that stands in the way of a change. */
export interface Busy {
  kind: 'busy';
  turnId: string;
  leaseLeftMs: number;
}

/** A message and all below it. Takes the ids of the message and of its conversation. */
export const SUBTREE = `WITH RECURSIVE subtree (id, sequence_number) AS (
    SELECT id, sequence_number FROM messages WHERE id = ?
    UNION ALL
    SELECT m.id, m.sequence_number FROM subtree JOIN messages m ON m.parent_id = subtree.id
      AND m.conversation_id = ?)`;

/** A turn that runs in a conversation. Takes the conversation's id. */
export const IS_RUNNING = `SELECT 1 FROM turns r WHERE r.conversation_id = ? AND r.state = 'running'`;

const DEPTH_OF_HEAD = `coalesce((SELECT depth FROM messages WHERE id = head_message_id), 0)`;

/** The conversation, and the turn that runs in it, if any. */
export function selectState(id: string, principal: Principal, leaseMs: number): Statement {
  return {
    sql: `SELECT ${CONVERSATION_COLUMNS}, r.id AS running_id, r.heartbeat_at + ? - ${NOW} AS lease_left
      FROM conversations c LEFT JOIN turns r ON r.conversation_id = c.id AND r.state = 'running'
      WHERE c.id = ? AND ${isOwned('c.user_id')}`,
    args: [leaseMs, id, ...ownerArgs(principal)],
  };
}

export function busyIn(row: Row): Busy | undefined {
  const turnId = optionalText(row['running_id']);
  if (turnId === null) return undefined;
  return { kind: 'busy', turnId, leaseLeftMs: number(row['lease_left']) };
}

/** Brings the length of the active path up to date with its head. */
export function measurePath(id: string): Statement {
  return {
    sql: `UPDATE conversations SET message_count = ${DEPTH_OF_HEAD} WHERE id = ? AND message_count <> ${DEPTH_OF_HEAD}`,
    args: [id],
  };
}
