/** Finds the turn that runs in a conversation: by its user as well, as the index has it. */
import { and, sql, type Placeholder, type SQL } from 'drizzle-orm';
import { turns } from '../schema.ts';

/** The condition that a turn runs; written out, since the index of running turns asks for it. */
export const isRunning: SQL = sql`${turns.state} = 'running'`;

/** Returns the condition that a row of `turns` is the turn that runs in a conversation. */
export function runsIn(conversationId: string | Placeholder): SQL | undefined {
  return and(isIn(conversationId), isRunning);
}

/**
 * Returns the condition that a row of `turns` is of a conversation, for a query that asks for turns
 * that run: without that, it goes through all turns of the conversation.
 */
export function isIn(conversationId: string | Placeholder): SQL {
  return sql`(${turns.userId}, ${turns.conversationId}) = (select o.user_id, o.id from conversations o where o.id = ${conversationId})`;
}

/** The condition of {@link runsIn} for SQL that is written by hand, with one argument. */
export const RUNS_IN = `(turns.user_id, turns.conversation_id) = (SELECT o.user_id, o.id FROM conversations o WHERE o.id = ?) AND turns.state = 'running'`;
