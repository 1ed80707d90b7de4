/** Deleting a branch of a conversation. */
import { and, eq, notExists, notInArray, sql, type SQL } from 'drizzle-orm';
import type { Database } from '../database.ts';
import { batch, now, query } from '../query.ts';
import { removeMessageFiles } from '../files/remove-files.ts';
import { conversations, messageFiles, messages, turns } from '../schema.ts';
import type { MessageAddress } from './find-message.ts';
import { isBeside } from './followers.ts';
import { runsIn } from '../turns/running-in.ts';
import { idsBelow, leaseLeft, measurePath, selectBelow, type Busy } from './state.ts';

/**
 * Deletes a message with all below it. If that was on the active path, the path then ends at the
 * newest leaf beside what was removed, or else at the parent. A turn that runs below the message is
 * deleted with it; any other makes the conversation busy.
 * @returns `deleted` with the turns that ran and must be stopped
 */
export async function deleteBranch(
  db: Database,
  { message, leaseMs }: { message: MessageAddress; leaseMs: number },
): Promise<{ kind: 'deleted'; runningTurns: string[] } | Busy> {
  const { conversationId } = message;
  const below = idsBelow(message);
  const isBelow = sql`${turns.assistantMessageId} in ${below}`;
  const others = query
    .select({ id: turns.id })
    .from(turns)
    .where(and(runsIn(conversationId), notInArray(turns.assistantMessageId, below)));
  const isFree = notExists(others);
  const [[running]] = await batch(
    db,
    [
      query
        .select({
          turnId: turns.id,
          leaseLeftMs: leaseLeft(leaseMs),
          isBelow: isBelow.mapWith(Boolean),
        })
        .from(turns)
        .where(runsIn(conversationId)),
      moveHeadAway(message, isFree),
      query.delete(turns).where(and(isFree, eq(turns.conversationId, conversationId), isBelow)),
      removeMessageFiles(sql`${isFree} and ${messageFiles.messageId} in ${below}`),
      query.delete(messages).where(and(isFree, sql`${messages.id} in ${below}`)),
      measurePath(conversationId),
    ],
    'write',
  );
  if (!running) return { kind: 'deleted', runningTurns: [] };
  const { isBelow: isDeleted, ...busy } = running;
  if (isDeleted) return { kind: 'deleted', runningTurns: [busy.turnId] };
  return { kind: 'busy', ...busy };
}

/** Moves the head of the active path out of what is deleted. */
function moveHeadAway({ id, parentId, depth, conversationId }: MessageAddress, isFree: SQL) {
  const beside = sql`with recursive beside (id, sequence_number, depth) as (
      select ${messages.id}, ${messages.sequenceNumber}, ${messages.depth} from ${messages}
        where ${isBeside(messages, { conversationId, parentId, depth })} and ${messages.id} <> ${id}
      union all ${selectBelow('beside', conversationId)})
    select id from beside order by sequence_number desc limit 1`;
  const isHeadBelow = sql`${conversations.headMessageId} in ${idsBelow({ id, conversationId })}`;
  return query
    .update(conversations)
    .set({ headMessageId: sql`coalesce((${beside}), ${parentId})`, updatedAt: now })
    .where(and(eq(conversations.id, conversationId), isFree, isHeadBelow));
}
