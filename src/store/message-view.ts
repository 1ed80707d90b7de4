/** The view of a message that is read: its columns, and its place among its siblings. */
import { and, count, eq, getTableColumns, lte, sql, type SQL, type SQLWrapper } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import { query } from './query.ts';
import { conversations, messages } from './schema.ts';
import { isBeside } from './tree/followers.ts';

const {
  depth: _depth,
  checkpoint: _checkpoint,
  textLength: _,
  historyHash: _historyHash,
  ...columns
} = getTableColumns(messages);

const sibling = alias(messages, 'sibling');

type Place = Record<'conversationId' | 'parentId' | 'depth' | 'sequenceNumber', SQLWrapper>;

/**
 * Counts the messages after the same parent, for a query that joins the conversation. In a
 * conversation that is one line no message has siblings, and none is counted.
 */
export function siblingsOf(message: Place): { index: SQL<number>; count: SQL<number> } {
  return {
    index: countSiblings(message, lte(sibling.sequenceNumber, message.sequenceNumber)),
    count: countSiblings(message),
  };
}

function countSiblings(message: Place, upTo?: SQL): SQL<number> {
  const isLine = eq(conversations.messageCount, conversations.lastSequenceNumber);
  const isSibling = and(isBeside(sibling, message), upTo);
  const counted = query.select({ count: count() }).from(sibling).where(isSibling);
  return sql<number>`case when ${isLine} then 1 else ${counted} end`;
}

/** Returns the selection for a `Message`, in a query on `messages` that joins `conversations`. */
export function messageSelection() {
  return { ...columns, siblings: siblingsOf(messages) };
}
