/** Conditions that changes to a tree share: the messages below one, and a turn that is running. */
import { and, eq, ne, sql, type SQL } from 'drizzle-orm';
import { conversationColumns, type Mine } from '../conversations.ts';
import { ownedBy, ownerOf } from '../ownership.ts';
import { now, query } from '../query.ts';
import { conversations, messages, turns } from '../schema.ts';
import { isRunning } from '../turns/running-in.ts';
import { follows } from './followers.ts';

/** The turn that stands in the way of a change. */
export interface Busy {
  kind: 'busy';
  turnId: string;
  leaseLeftMs: number;
}

/** The ids of a message and of its conversation. */
export interface Subtree {
  id: string;
  conversationId: string;
}

/**
 * Returns a `WITH` clause for a table `subtree`: a message and all below it. A cross join keeps the
 * order of its tables; the other order would read all messages for each one found.
 */
export function withSubtree({ id, conversationId }: Subtree): SQL {
  return sql`with recursive subtree (id, sequence_number, depth) as (
    select ${messages.id}, ${messages.sequenceNumber}, ${messages.depth} from ${messages}
      where ${messages.id} = ${id}
    union all ${selectBelow('subtree', conversationId)})`;
}

/**
 * Returns the step of a recursive table of messages: what follows those that it has.
 * @param table has the columns `id`, `sequence_number` and `depth`
 */
export function selectBelow(table: 'subtree' | 'beside', conversationId: string): SQL {
  const [id, depth] = [sql.raw(`${table}.id`), sql.raw(`${table}.depth + 1`)];
  return sql`select ${messages.id}, ${messages.sequenceNumber}, ${messages.depth}
    from ${sql.raw(table)} cross join ${messages}
    on ${follows(messages, { conversationId, parentId: id, depth })}`;
}

/** Returns the ids of a message and of all below it, for `in`. */
export function idsBelow(subtree: Subtree): SQL {
  return sql`(${withSubtree(subtree)} select id from subtree)`;
}

/** Returns the rest of a turn's lease, in milliseconds. */
export function leaseLeft(leaseMs: number): SQL<number> {
  return sql<number>`${turns.heartbeatAt} + ${leaseMs} - ${now}`;
}

/** Selects a conversation, and the turn that runs in it, if any. */
export function selectState({ id, principal, leaseMs }: Mine & { leaseMs: number }) {
  const ofConversation = and(
    eq(turns.userId, conversations.userId),
    eq(turns.conversationId, conversations.id),
  );
  return query
    .select({
      ...conversationColumns,
      running: { turnId: turns.id, leaseLeftMs: leaseLeft(leaseMs) },
    })
    .from(conversations)
    .leftJoin(turns, and(ofConversation, isRunning))
    .where(and(eq(conversations.id, id), ownedBy(conversations.userId, ownerOf(principal))));
}

/** Brings the length of the active path up to date with its head. */
export function measurePath(id: string) {
  const depth = query
    .select({ depth: messages.depth })
    .from(messages)
    .where(eq(messages.id, conversations.headMessageId));
  const length = sql`coalesce(${depth}, 0)`;
  return query
    .update(conversations)
    .set({ messageCount: length })
    .where(and(eq(conversations.id, id), ne(conversations.messageCount, length)));
}
