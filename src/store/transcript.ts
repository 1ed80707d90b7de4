/**
 * The messages of a conversation: those of its active path, from its head up to the first, or the whole
 * tree. On a path, and in a tree, messages stand in the order in which they were made.
 */
import type { Conversation } from '../core/conversation.ts';
import type { Message } from '../core/message.ts';
import type { Principal } from '../core/principal.ts';
import { selectConversation } from './conversations.ts';
import type { Database, Statement } from './database.ts';
import { conversationFrom, MESSAGE_COLUMNS, messageFrom } from './rows.ts';
import { readRepaired } from './turns/read.ts';

export interface Transcript {
  conversation: Conversation;
  /** Oldest first. */
  messages: Message[];
  /** True when there are messages before the newest, or after the page. */
  more: boolean;
}

/** Which messages: the newest so many, or a page of the oldest after a sequence number. */
export type Slice = { newest: number } | { limit: number; after: number; tree?: boolean };

/** Reads a conversation with messages, oldest first; undefined when there is none for this caller. */
export async function readTranscript(
  db: Database,
  {
    id,
    principal,
    slice,
    leaseMs,
  }: { id: string; principal: Principal; slice: Slice; leaseMs: number },
): Promise<Transcript | undefined> {
  const limit = 'newest' in slice ? slice.newest : slice.limit;
  const [conversation, messages] = await readRepaired(db, {
    select: [selectConversation(id, principal), selectMessages(id, slice)],
    stale: { where: 'conversation_id = ?', args: [id] },
    leaseMs,
  });
  const row = conversation?.rows[0];
  if (!row) return undefined;
  const found = (messages?.rows ?? []).slice(0, limit).map(messageFrom);
  return {
    conversation: conversationFrom(row),
    messages: 'newest' in slice ? found.toReversed() : found,
    more: (messages?.rows.length ?? 0) > limit,
  };
}

function selectMessages(id: string, slice: Slice): Statement {
  if ('newest' in slice) return selectNewest(id, slice.newest + 1);
  if (slice.tree) return selectTree(id, slice.after, slice.limit + 1);
  return selectPage(id, slice.after, slice.limit + 1);
}

function selectTree(id: string, after: number, limit: number): Statement {
  return {
    sql: `SELECT ${MESSAGE_COLUMNS} FROM conversations c JOIN messages m ON m.conversation_id = c.id
      WHERE c.id = ? AND m.sequence_number > ? ORDER BY m.sequence_number LIMIT ?`,
    args: [id, after, limit],
  };
}

function selectNewest(id: string, limit: number): Statement {
  return {
    sql: `WITH RECURSIVE path (at, parent_id, count) AS (
        SELECT m.rowid, m.parent_id, 1 FROM conversations c JOIN messages m ON m.id = c.head_message_id WHERE c.id = ?
        UNION ALL
        SELECT m.rowid, m.parent_id, path.count + 1 FROM path JOIN messages m ON m.id = path.parent_id WHERE path.count < ?)
      SELECT ${MESSAGE_COLUMNS} FROM path JOIN messages m ON m.rowid = path.at JOIN conversations c ON c.id = m.conversation_id
      ORDER BY m.sequence_number DESC`,
    args: [id, limit],
  };
}

/**
 * A page is read by climbing to it from the head, or, where the conversation is one line, from the first
 * message behind the page, which its number tells.
 */
function selectPage(id: string, after: number, limit: number): Statement {
  return {
    sql: `WITH RECURSIVE path (at, parent_id) AS (
        SELECT m.rowid, m.parent_id FROM conversations c JOIN messages m ON m.id =
          CASE WHEN c.message_count = c.last_sequence_number AND c.message_count > ?
            THEN (SELECT s.id FROM messages s WHERE s.conversation_id = c.id AND s.sequence_number = ?)
            ELSE c.head_message_id END
          WHERE c.id = ? AND m.sequence_number > ?
        UNION ALL
        SELECT m.rowid, m.parent_id FROM path JOIN messages m ON m.id = path.parent_id WHERE m.sequence_number > ?)
      SELECT ${MESSAGE_COLUMNS} FROM path JOIN messages m ON m.rowid = path.at JOIN conversations c ON c.id = m.conversation_id
      ORDER BY m.sequence_number LIMIT ?`,
    args: [after + limit, after + limit, id, after, after, limit],
  };
}

/** How many of the newest conversations count as recent: a bound whatever a user has piled up. */
const RECENT_CONVERSATIONS = 50;
/** How many of the newest messages of each. */
const RECENT_MESSAGES = 20;

/** Reads the newest messages of a user's other conversations, conversation by conversation. */
export async function recentMessages(
  db: Database,
  { userId, except }: { userId: string; except: string },
): Promise<Message[]> {
  const sql = `WITH RECURSIVE path (at, parent_id, conversation, count) AS (
      SELECT m.rowid, m.parent_id, c.id, 1 FROM (
        SELECT id, head_message_id FROM conversations WHERE user_id = ? AND id <> ? ORDER BY id DESC LIMIT ?
      ) c CROSS JOIN messages m ON m.id = c.head_message_id
      UNION ALL
      SELECT m.rowid, m.parent_id, path.conversation, path.count + 1 FROM path JOIN messages m ON m.id = path.parent_id
        WHERE path.count < ?)
    SELECT ${MESSAGE_COLUMNS} FROM path JOIN messages m ON m.rowid = path.at JOIN conversations c ON c.id = m.conversation_id
    ORDER BY path.conversation DESC, m.sequence_number`;
  const args = [userId, except, RECENT_CONVERSATIONS, RECENT_MESSAGES];
  const [result] = await db.batch([{ sql, args }], 'read');
  return (result?.rows ?? []).map(messageFrom);
}
