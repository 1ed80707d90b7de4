/** Switching the active path of a conversation. */
import { and, eq, exists, notExists, sql } from 'drizzle-orm';
import type { Conversation } from '../../core/conversation.ts';
import type { Mine } from '../conversations.ts';
import type { Database } from '../database.ts';
import { ownedBy, ownerOf } from '../ownership.ts';
import { batch, now, query } from '../query.ts';
import { conversations, messages, turns } from '../schema.ts';
import { runsIn } from '../turns/running-in.ts';
import { measurePath, selectState, withSubtree, type Busy } from './state.ts';

interface Switch extends Mine {
  messageId: string;
  leaseMs: number;
}

/**
 * Makes the path to the newest leaf below a message the active one, in one write.
 * @returns the conversation, or the reason for a refusal: `not_found` for the conversation,
 *   `message_not_found` for the message
 */
export async function switchPath(
  db: Database,
  { id, messageId, principal, leaseMs }: Switch,
): Promise<
  | { kind: 'switched'; conversation: Conversation }
  | Busy
  | { kind: 'not_found' | 'message_not_found' }
> {
  const isThere = and(eq(messages.id, messageId), eq(messages.conversationId, id));
  const found = query.select({ id: messages.id }).from(messages).where(isThere);
  const busy = query.select({ id: turns.id }).from(turns).where(runsIn(id));
  // The newest message of a subtree has nothing below it.
  const newestLeaf = sql`(${withSubtree({ id: messageId, conversationId: id })}
    select id from subtree order by sequence_number desc limit 1)`;
  const move = query
    .update(conversations)
    .set({ headMessageId: newestLeaf, updatedAt: now })
    .where(
      and(
        eq(conversations.id, id),
        ownedBy(conversations.userId, ownerOf(principal)),
        notExists(busy),
        exists(found),
      ),
    );
  const state = selectState({ id, principal, leaseMs });
  const [, , [stored], [message]] = await batch(db, [move, measurePath(id), state, found], 'write');
  if (!stored) return { kind: 'not_found' };
  if (!message) return { kind: 'message_not_found' };
  const { running, ...conversation } = stored;
  return running ? { kind: 'busy', ...running } : { kind: 'switched', conversation };
}
