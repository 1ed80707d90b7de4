/** Deleting a branch of a conversation. */
import { NOW, type Database, type Statement } from '../database.ts';
import { number, text } from '../rows.ts';
import type { MessageAddress } from './find-message.ts';
import { IS_RUNNING, measurePath, SUBTREE, type Busy } from './state.ts';

/**
 * Deletes a message with all below it. Where that was the active path, the newest leaf beside what was
 * removed becomes its end, else the parent. A turn that runs below the message is deleted with it; any
 * other stands in the way.
 * @returns `deleted` with the turns that ran and must be stopped
 */
export async function deleteBranch(
  db: Database,
  { message, leaseMs }: { message: MessageAddress; leaseMs: number },
): Promise<{ kind: 'deleted'; runningTurns: string[] } | Busy> {
  const { id, conversationId } = message;
  const below = [id, conversationId];
  const isOutside = `${IS_RUNNING} AND r.assistant_message_id NOT IN (${SUBTREE} SELECT id FROM subtree)`;
  const isFree = { sql: `NOT EXISTS (${isOutside})`, args: [conversationId, ...below] };
  const results = await db.batch(
    [
      {
        sql: `SELECT r.id, r.heartbeat_at + ? - ${NOW} AS lease_left,
            r.assistant_message_id IN (${SUBTREE} SELECT id FROM subtree) AS is_below
          FROM turns r WHERE r.conversation_id = ? AND r.state = 'running'`,
        args: [leaseMs, ...below, conversationId],
      },
      moveHeadAway(message, isFree),
      {
        sql: `DELETE FROM turns WHERE ${isFree.sql} AND conversation_id = ?
          AND assistant_message_id IN (${SUBTREE} SELECT id FROM subtree)`,
        args: [...isFree.args, conversationId, ...below],
      },
      {
        sql: `DELETE FROM messages WHERE ${isFree.sql} AND id IN (${SUBTREE} SELECT id FROM subtree)`,
        args: [...isFree.args, ...below],
      },
      measurePath(conversationId),
    ],
    'write',
  );
  const running = results[0]?.rows[0];
  if (!running) return { kind: 'deleted', runningTurns: [] };
  const turnId = text(running['id']);
  if (running['is_below'] === 1) return { kind: 'deleted', runningTurns: [turnId] };
  return { kind: 'busy', turnId, leaseLeftMs: number(running['lease_left']) };
}

function moveHeadAway(
  { id, conversationId }: MessageAddress,
  isFree: { sql: string; args: string[] },
): Statement {
  return {
    sql: `WITH RECURSIVE beside (id, sequence_number) AS (
        SELECT s.id, s.sequence_number FROM messages m JOIN messages s ON s.conversation_id = m.conversation_id
          AND s.parent_id IS m.parent_id AND s.id <> m.id WHERE m.id = ?
        UNION ALL
        SELECT m.id, m.sequence_number FROM beside JOIN messages m ON m.parent_id = beside.id AND m.conversation_id = ?)
      UPDATE conversations SET updated_at = ${NOW}, head_message_id = coalesce(
          (SELECT id FROM beside ORDER BY sequence_number DESC LIMIT 1), (SELECT parent_id FROM messages WHERE id = ?))
      WHERE id = ? AND ${isFree.sql} AND head_message_id IN (${SUBTREE} SELECT id FROM subtree)`,
    args: [id, conversationId, id, conversationId, ...isFree.args, id, conversationId],
  };
}
