/** Stores messages that came from elsewhere, in one line: nobody ran a turn for them here. */
import { and, eq, isNull, notExists, sql, type SQL } from 'drizzle-orm';
import { estimateMessage } from '../core/context.ts';
import { newId } from '../core/ids.ts';
import type { FinishReason, Role } from '../core/message.ts';
import { contentOf, encodeParts, type Part } from '../core/parts.ts';
import { selectConversation, type Mine } from './conversations.ts';
import type { Database, Statement } from './database.ts';
import { batch, now, plain, query } from './query.ts';
import { conversations, messages, turns } from './schema.ts';
import { runsIn } from './turns/running-in.ts';

/** A message that is to be stored. */
export interface GivenMessage {
  role: Role;
  parts: Part[];
  finishReason: FinishReason | null;
}

/** The same, with the id that it will have. */
export interface IdentifiedMessage extends GivenMessage {
  id: string;
}

export function identified(given: readonly GivenMessage[]): IdentifiedMessage[] {
  return given.map((message) => ({ id: newId(), ...message }));
}

/** Returns the path of a conversation that begins with messages, for `createConversation`. */
export function pathOf(conversationId: string, given: readonly IdentifiedMessage[]) {
  const start = { sequenceNumber: sql`0`, depth: sql`0`, parentId: sql`null` };
  return {
    length: given.length,
    headMessageId: given.at(-1)?.id ?? null,
    insert: given.length === 0 ? [] : [insertAfter(start, { id: conversationId, given })],
    condition: sql`true`,
  };
}

/**
 * Appends messages to the active path of a conversation.
 * @param after the head of the conversation, as it was read
 * @returns false when the head is another by now, or a turn runs
 */
export async function appendMessages(
  db: Database,
  { after, given, ...mine }: Mine & { after: string | null; given: readonly IdentifiedMessage[] },
): Promise<boolean> {
  const { id } = mine;
  const running = query.select({ id: turns.id }).from(turns).where(runsIn(id));
  const isSame =
    after === null ? isNull(conversations.headMessageId) : eq(conversations.headMessageId, after);
  const isFree = and(isSame, notExists(running));
  const end = {
    sequenceNumber: sql`${conversations.lastSequenceNumber}`,
    depth: sql`${conversations.messageCount}`,
    parentId: sql`${conversations.headMessageId}`,
  };
  const last = given.at(-1)?.id ?? null;
  const count = given.length;
  const [, , [found]] = await batch(
    db,
    [
      insertAfter(end, { id, given, condition: isFree }),
      query
        .update(conversations)
        .set({
          headMessageId: last,
          messageCount: sql`${conversations.messageCount} + ${count}`,
          lastSequenceNumber: sql`${conversations.lastSequenceNumber} + ${count}`,
          updatedAt: now,
        })
        .where(and(eq(conversations.id, id), isFree)),
      selectConversation(mine),
    ],
    'write',
  );
  return found?.headMessageId === last;
}

interface End {
  sequenceNumber: SQL;
  depth: SQL;
  parentId: SQL;
}

function insertAfter(
  { sequenceNumber, depth, parentId }: End,
  {
    id,
    given,
    condition = sql`true`,
  }: { id: string; given: readonly IdentifiedMessage[]; condition?: SQL | undefined },
): Statement {
  const rows = given.map(({ parts, ...message }, at) => {
    const before = given[at - 1]?.id ?? null;
    const { length } = contentOf(parts);
    const tokens = estimateMessage({ role: message.role, parts });
    const { id: own, role, finishReason } = message;
    return [own, at + 1, before, role, encodeParts(parts), length, tokens, finishReason];
  });
  const value = (index: number) => sql.raw(`given.value ->> ${index}`);
  return plain(sql`insert into ${messages}
      (id, conversation_id, role, status, sequence_number, parent_id, depth, parts, text_length,
        output_tokens, tokens_estimated, finish_reason, created_at)
    select ${value(0)}, ${conversations.id}, ${value(3)}, 'complete',
        ${sequenceNumber} + ${value(1)}, coalesce(${value(2)}, ${parentId}), ${depth} + ${value(1)},
        ${value(4)}, ${value(5)}, ${value(6)}, 1, ${value(7)}, ${now}
      from ${conversations} cross join json_each(${JSON.stringify(rows)}) as given
      where ${conversations.id} = ${id} and ${condition}
      on conflict do nothing`);
}
