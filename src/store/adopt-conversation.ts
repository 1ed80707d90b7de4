/** Moving all that is in a conversation into one that is empty. */
import { and, eq, inArray, isNull, notExists, sql } from 'drizzle-orm';
import type { Mine } from './conversations.ts';
import type { Database } from './database.ts';
import { guard, unlessRefused } from './guard.ts';
import { ownedBy, ownerOf } from './ownership.ts';
import { batch, now, query } from './query.ts';
import { conversations, ledger, messageFiles, messages, toolRuns, turns } from './schema.ts';
import { runsIn } from './turns/running-in.ts';

/**
 * Moves the messages and turns of a conversation into an empty one of the same owner, which it then
 * is; their ids stay.
 * @param adopted the conversation that goes, and the last message that it was seen to have
 * @returns false where nothing was moved: a turn runs, or one of the two has changed meanwhile
 */
export async function adoptConversation(
  db: Database,
  { id, principal, adopted }: Mine & { adopted: { id: string; headMessageId: string } },
): Promise<boolean> {
  const owner = ownedBy(conversations.userId, ownerOf(principal));
  const empty = query
    .select({ one: sql`1` })
    .from(conversations)
    .where(and(eq(conversations.id, id), isNull(conversations.headMessageId), owner));
  const running = (which: string) =>
    query
      .select({ one: sql`1` })
      .from(turns)
      .where(runsIn(which));
  const seen = query
    .select({ one: sql`1` })
    .from(conversations)
    .where(
      and(
        eq(conversations.id, adopted.id),
        eq(conversations.headMessageId, adopted.headMessageId),
        // One line, which no client has given a name.
        eq(conversations.messageCount, conversations.lastSequenceNumber),
        isNull(conversations.clientId),
        eq(conversations.isTemporary, false),
        notExists(running(id)),
        notExists(running(adopted.id)),
        owner,
      ),
    );
  const moved = { conversationId: id };
  const userId = sql`(select ${conversations.userId} from ${conversations} where ${conversations.id} = ${id})`;
  const from = adopted.id;
  const theirTurns = query
    .select({ id: turns.id })
    .from(turns)
    .where(eq(turns.conversationId, from));
  const done = batch(
    db,
    [
      guard(sql`exists ${empty} and exists ${seen}`),
      query
        .update(ledger)
        .set(moved)
        .where(and(eq(ledger.userId, userId), inArray(ledger.workId, theirTurns))),
      query.update(messageFiles).set(moved).where(eq(messageFiles.conversationId, from)),
      query
        .update(toolRuns)
        .set(moved)
        .where(and(eq(toolRuns.conversationId, from), eq(toolRuns.userId, userId))),
      query.update(messages).set(moved).where(eq(messages.conversationId, from)),
      query.update(turns).set(moved).where(eq(turns.conversationId, from)),
      query
        .update(conversations)
        .set({
          headMessageId: adopted.headMessageId,
          messageCount: ofAdopted('message_count', from),
          lastSequenceNumber: ofAdopted('last_sequence_number', from),
          title: sql`coalesce(${conversations.title}, ${ofAdopted('title', from)})`,
          updatedAt: now,
        })
        .where(eq(conversations.id, id)),
      query.delete(conversations).where(eq(conversations.id, from)),
    ],
    'write',
  );
  return (await unlessRefused(done)) !== undefined;
}

function ofAdopted(column: 'message_count' | 'last_sequence_number' | 'title', id: string) {
  return sql`(select a.${sql.raw(column)} from ${conversations} a where a.id = ${id})`;
}
