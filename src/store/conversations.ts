/** Conversations without their messages. The owner is in every WHERE. */
import type { Conversation, NewConversation } from '../core/conversation.ts';
import type { Principal } from '../core/principal.ts';
import { KNOWN_RESOURCE, rememberKey, selectFingerprint, type Key } from './idempotency-keys.ts';
import { NOW, type Database, type Statement } from './database.ts';
import { eq } from 'drizzle-orm';
import { deleteDocuments } from './documents/documents.ts';
import { documents } from './schema.ts';
import { CONVERSATION_COLUMNS, conversationFrom, optionalText } from './rows.ts';
import { pageOf, type Page } from './page.ts';
import { isOwned, ownerArgs } from './ownership.ts';

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
        sql: `INSERT INTO conversations (id, user_id, title, mode, model, instructions, created_at, updated_at)
          SELECT ?, ?, ?, ?, ?, ?, ${NOW}, ${NOW} WHERE NOT EXISTS (${KNOWN_RESOURCE}) ON CONFLICT DO NOTHING`,
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
  { id, principal }: { id: string; principal: Principal },
): Promise<Conversation | undefined> {
  const [result] = await db.batch([selectConversation(id, principal)], 'read');
  const row = result?.rows[0];
  return row && conversationFrom(row);
}

export function selectConversation(id: string, principal: Principal): Statement {
  return {
    sql: `SELECT ${CONVERSATION_COLUMNS} FROM conversations c WHERE c.id = ? AND ${isOwned('c.user_id')}`,
    args: [id, ...ownerArgs(principal)],
  };
}

export type ConversationChange = Partial<
  Pick<Conversation, 'title' | 'mode' | 'model' | 'instructions'>
>;

/** Changes the given columns and no others; undefined when there is none for this caller. */
export async function changeConversation(
  db: Database,
  { id, principal, change }: { id: string; principal: Principal; change: ConversationChange },
): Promise<Conversation | undefined> {
  const columns = (['title', 'mode', 'model', 'instructions'] as const).filter(
    (name) => change[name] !== undefined,
  );
  const sets = [...columns.map((name) => `${name} = ?`), `updated_at = ${NOW}`].join(', ');
  const results = await db.batch(
    [
      {
        sql: `UPDATE conversations SET ${sets} WHERE id = ? AND ${isOwned('user_id')}`,
        args: [...columns.map((name) => change[name] ?? null), id, ...ownerArgs(principal)],
      },
      selectConversation(id, principal),
    ],
    'write',
  );
  const row = results[1]?.rows[0];
  return row && conversationFrom(row);
}

/**
 * Deletes a conversation with its messages, turns and documents; false when there is none for this caller.
 * It is looked for in a request of its own: a deletion that is repeated, because its answer was lost,
 * finds nothing any more.
 */
export async function deleteConversation(
  db: Database,
  { id, principal }: { id: string; principal: Principal },
): Promise<boolean> {
  const found = await readConversation(db, { id, principal });
  if (!found) return false;
  const mine = `(SELECT id FROM conversations WHERE id = ? AND ${isOwned('user_id')})`;
  const args = [id, ...ownerArgs(principal)];
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
