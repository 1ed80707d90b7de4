/** Conversations and their messages: everything but the life of a turn. The owner is in every WHERE; null means the id alone suffices. */
import type { Conversation, NewConversation } from '../core/conversation.ts';
import type { Message } from '../core/message.ts';
import { KNOWN_RESOURCE, rememberKey, selectFingerprint, type Key } from './idempotency-keys.ts';
import { NOW, type Database, type Statement } from './database.ts';
import { eq } from 'drizzle-orm';
import { deleteDocuments } from './documents/documents.ts';
import { documents } from './schema.ts';
import {
  CONVERSATION_COLUMNS,
  conversationFrom,
  MESSAGE_COLUMNS,
  messageFrom,
  optionalText,
} from './rows.ts';
import { pageOf, type Page } from './page.ts';
import { readRepaired } from './turns/read.ts';

export type Created<T> =
  | { kind: 'created'; value: T }
  | { kind: 'repeated'; value: T }
  | { kind: 'key_reused' }
  /** What the same request made before is gone. */
  | { kind: 'deleted' };

/** Makes a conversation, or finds the one that the same key made before. */
export async function createConversation(
  db: Database,
  conversation: NewConversation,
  idempotency?: Key,
): Promise<Created<Conversation>> {
  const { id, userId, title, mode, model, instructions } = conversation;
  const { scope = '', key = '', fingerprint = '' } = idempotency ?? {};
  const results = await db.batch(
    [
      {
        sql: `INSERT INTO conversations (id, user_id, title, mode, model, instructions, message_count, created_at, updated_at)
          SELECT ?, ?, ?, ?, ?, ?, 0, ${NOW}, ${NOW} WHERE NOT EXISTS (${KNOWN_RESOURCE}) ON CONFLICT DO NOTHING`,
        args: [id, userId, title, mode, model, instructions, scope, key],
      },
      ...(idempotency
        ? [
            rememberKey(idempotency, {
              sql: 'SELECT id FROM conversations WHERE id = ?',
              args: [id],
            }),
          ]
        : []),
      {
        sql: `SELECT ${CONVERSATION_COLUMNS} FROM conversations c WHERE c.user_id = ? AND c.id = coalesce((${KNOWN_RESOURCE}), ?)`,
        args: [userId, scope, key, id],
      },
      selectFingerprint({ scope, key }),
    ],
    'write',
  );
  const [found, known] = results.slice(-2);
  const stored = optionalText(known?.rows[0]?.['fingerprint']);
  const row = found?.rows[0];
  if (stored !== null && stored !== fingerprint) return { kind: 'key_reused' };
  if (!row) return { kind: 'deleted' };
  const value = conversationFrom(row);
  return { kind: value.id === id ? 'created' : 'repeated', value };
}

/** A user's conversations, newest first. @param cursor the last id of the page before */
export async function listConversations(
  db: Database,
  { userId, limit, cursor }: { userId: string; limit: number; cursor?: string },
): Promise<Page<Conversation>> {
  const [result] = await db.batch(
    [
      {
        sql: `SELECT ${CONVERSATION_COLUMNS} FROM conversations c WHERE c.user_id = ? ${cursor ? 'AND c.id < ?' : ''} ORDER BY c.id DESC LIMIT ?`,
        args: cursor ? [userId, cursor, limit + 1] : [userId, limit + 1],
      },
    ],
    'read',
  );
  return pageOf(result?.rows ?? [], limit, conversationFrom, (item) => item.id);
}

/** A conversation without its messages; undefined when there is none for this user. */
export async function readConversation(
  db: Database,
  { id, userId }: { id: string; userId: string | null },
): Promise<Conversation | undefined> {
  const [result] = await db.batch([selectConversation(id, userId)], 'read');
  const row = result?.rows[0];
  return row && conversationFrom(row);
}

function selectConversation(id: string, userId: string | null): Statement {
  return {
    sql: `SELECT ${CONVERSATION_COLUMNS} FROM conversations c WHERE c.id = ? AND (? IS NULL OR c.user_id = ?)`,
    args: [id, userId, userId],
  };
}

export interface Transcript {
  conversation: Conversation;
  /** Oldest first. */
  messages: Message[];
  /** True when there are messages before (`newest`) or after (`oldest`) these. */
  more: boolean;
}

/** Which messages of a conversation: the newest so many, or a page of the oldest after a sequence number. */
export type Slice = { newest: number } | { limit: number; after: number };

/** A conversation with messages, oldest first; undefined when there is none for this user. */
export async function readTranscript(
  db: Database,
  {
    id,
    userId,
    slice,
    leaseMs,
  }: { id: string; userId: string | null; slice: Slice; leaseMs: number },
): Promise<Transcript | undefined> {
  const limit = 'newest' in slice ? slice.newest : slice.limit;
  const [conversation, messages] = await readRepaired(db, {
    select: [selectConversation(id, userId), selectMessages(id, slice)],
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

function selectMessages(conversationId: string, slice: Slice): Statement {
  if ('newest' in slice) {
    return {
      sql: `SELECT ${MESSAGE_COLUMNS} FROM messages m WHERE m.conversation_id = ? ORDER BY m.sequence_number DESC LIMIT ?`,
      args: [conversationId, slice.newest + 1],
    };
  }
  return {
    sql: `SELECT ${MESSAGE_COLUMNS} FROM messages m WHERE m.conversation_id = ? AND m.sequence_number > ? ORDER BY m.sequence_number LIMIT ?`,
    args: [conversationId, slice.after, slice.limit + 1],
  };
}

/** How many of the newest conversations, and of the newest messages of each, count as recent: a bound whatever a user has piled up. */
const RECENT_CONVERSATIONS = 50;
const RECENT_MESSAGES = 20;

/** The newest messages of a user's other conversations, conversation by conversation. */
export async function recentMessages(
  db: Database,
  { userId, except }: { userId: string; except: string },
): Promise<Message[]> {
  const [result] = await db.batch(
    [
      {
        sql: `SELECT ${MESSAGE_COLUMNS} FROM (
            SELECT id, message_count FROM conversations WHERE user_id = ? AND id <> ? ORDER BY id DESC LIMIT ?
          ) c CROSS JOIN messages m ON m.conversation_id = c.id AND m.sequence_number > c.message_count - ?`,
        args: [userId, except, RECENT_CONVERSATIONS, RECENT_MESSAGES],
      },
    ],
    'read',
  );
  return (result?.rows ?? []).map(messageFrom);
}

export type ConversationChange = Partial<
  Pick<Conversation, 'title' | 'mode' | 'model' | 'instructions'>
>;

/** Changes the given columns and no others; undefined when there is none for this user. */
export async function changeConversation(
  db: Database,
  { id, userId, change }: { id: string; userId: string | null; change: ConversationChange },
): Promise<Conversation | undefined> {
  const columns = (['title', 'mode', 'model', 'instructions'] as const).filter(
    (name) => change[name] !== undefined,
  );
  const sets = [...columns.map((name) => `${name} = ?`), `updated_at = ${NOW}`].join(', ');
  const results = await db.batch(
    [
      {
        sql: `UPDATE conversations SET ${sets} WHERE id = ? AND (? IS NULL OR user_id = ?)`,
        args: [...columns.map((name) => change[name] ?? null), id, userId, userId],
      },
      selectConversation(id, userId),
    ],
    'write',
  );
  const row = results[1]?.rows[0];
  return row && conversationFrom(row);
}

/**
 * Deletes a conversation with its messages, turns and documents; false when there is none for this user. It is looked for in a request of its own: a deletion that is
 * repeated, because its answer was lost, finds nothing any more.
 */
export async function deleteConversation(
  db: Database,
  { id, userId }: { id: string; userId: string | null },
): Promise<boolean> {
  const found = await readConversation(db, { id, userId });
  if (!found) return false;
  const mine = `(SELECT id FROM conversations WHERE id = ? AND (? IS NULL OR user_id = ?))`;
  const args = [id, userId, userId];
  await db.batch(
    [
      ...deleteDocuments(found.userId, eq(documents.conversationId, id)),
      { sql: `DELETE FROM messages WHERE conversation_id IN ${mine}`, args },
      { sql: `DELETE FROM turns WHERE conversation_id IN ${mine}`, args },
      { sql: `DELETE FROM conversations WHERE id IN ${mine}`, args },
    ],
    'write',
  );
  return true;
}

/** Answers at all: one trivial statement. @throws ParleyError `database_unavailable` */
export async function ping(db: Database): Promise<void> {
  await db.batch([{ sql: 'SELECT 1 FROM conversations LIMIT 1', args: [] }], 'read', 0);
}
