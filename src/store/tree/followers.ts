/**
 * Finds the messages that follow another one, or stand beside it, as conditions in SQL.
 *
 * On a path that never branched, the message of depth n has the number n and follows the one with
 * the number n - 1. So the index of parents holds only messages whose depth and number differ, and
 * a conversation that is one line pays for no second index. Messages are therefore sought in two
 * places: by their number, and in the index of parents. Both halves name all columns, because
 * SQLite only then uses an index for each.
 */
import { sql, type SQL, type SQLWrapper } from 'drizzle-orm';

/** The columns of the messages that are sought. */
type MessageColumns = Record<
  'conversationId' | 'parentId' | 'depth' | 'sequenceNumber',
  SQLWrapper
>;

/** The parent of the messages that are sought, as values or columns, and their own depth. */
interface Place {
  conversationId: SQLWrapper | string;
  /** Null for the first messages of a conversation. */
  parentId: SQLWrapper | string | null;
  depth: SQLWrapper | number;
}

/** Returns the condition that a message follows another one. */
export function follows(message: MessageColumns, place: Place): SQL {
  return isAt(message, place, sql`=`);
}

/** Returns the condition that a message has a place's parent, or is a first one like it. */
export function isBeside(message: MessageColumns, place: Place): SQL {
  return isAt(message, place, sql`is`);
}

function isAt(message: MessageColumns, place: Place, operator: SQL): SQL {
  const { conversationId, parentId, depth } = place;
  const hasParent = sql`${message.conversationId} = ${conversationId} and ${message.parentId} ${operator} ${parentId}`;
  return sql`((${hasParent} and ${message.sequenceNumber} = ${depth})
    or (${hasParent} and ${message.depth} <> ${message.sequenceNumber}))`;
}

/**
 * Returns the same for statements that are written by hand, about messages `s`.
 * @param conversation the column of its id
 * @param parent the condition on their parent, such as `= p.id`
 */
export function followsIn(conversation: string, parent: string, depth: string): string {
  const hasParent = `s.conversation_id = ${conversation} AND s.parent_id ${parent}`;
  return `((${hasParent} AND s.sequence_number = ${depth})
    OR (${hasParent} AND s.depth <> s.sequence_number))`;
}
