/** Switching the active path of a conversation. */
import type { Conversation } from '../../core/conversation.ts';
import type { Principal } from '../../core/principal.ts';
import { NOW, type Database } from '../database.ts';
import { isOwned, ownerArgs } from '../ownership.ts';
import { conversationFrom } from '../rows.ts';
import { busyIn, IS_RUNNING, measurePath, selectState, SUBTREE, type Busy } from './state.ts';

/** The newest message of a subtree has nothing below it. Takes the subtree's arguments. */
const NEWEST_LEAF = `(${SUBTREE} SELECT id FROM subtree ORDER BY sequence_number DESC LIMIT 1)`;

/**
 * Makes the path to the newest leaf below a message the active one, in one write.
 * @returns the conversation, or why not: `not_found` is the conversation, `message_not_found` the message
 */
export async function switchPath(
  db: Database,
  {
    id,
    messageId,
    principal,
    leaseMs,
  }: { id: string; messageId: string; principal: Principal; leaseMs: number },
): Promise<
  | { kind: 'switched'; conversation: Conversation }
  | Busy
  | { kind: 'not_found' | 'message_not_found' }
> {
  const results = await db.batch(
    [
      {
        sql: `UPDATE conversations SET head_message_id = ${NEWEST_LEAF}, updated_at = ${NOW}
          WHERE id = ? AND ${isOwned('user_id')} AND NOT EXISTS (${IS_RUNNING})
            AND EXISTS (SELECT 1 FROM messages WHERE id = ? AND conversation_id = conversations.id)`,
        args: [messageId, id, id, ...ownerArgs(principal), id, messageId],
      },
      measurePath(id),
      selectState(id, principal, leaseMs),
      {
        sql: 'SELECT 1 FROM messages WHERE id = ? AND conversation_id = ?',
        args: [messageId, id],
      },
    ],
    'write',
  );
  const row = results[2]?.rows[0];
  if (!row) return { kind: 'not_found' };
  if (!results[3]?.rows[0]) return { kind: 'message_not_found' };
  return busyIn(row) ?? { kind: 'switched', conversation: conversationFrom(row) };
}
