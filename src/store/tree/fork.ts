/** Copying a path into a conversation of its own. */
import { eq, getTableColumns, sql, type SQL } from 'drizzle-orm';
import type { Conversation, NewConversation } from '../../core/conversation.ts';
import {
  conversationColumns,
  createConversation,
  type Created,
  type Mine,
} from '../conversations.ts';
import type { Database, Statement } from '../database.ts';
import { copyFiles } from '../files/message-files.ts';
import { knownResource, selectFingerprint, type Key } from '../idempotency-keys.ts';
import { batch, query, selectRow, statement } from '../query.ts';
import { conversations, messages } from '../schema.ts';
import { selectState, type Busy } from './state.ts';

interface PathRequest extends Mine {
  /** The end of the path; undefined: the head. */
  messageId: string | undefined;
  leaseMs: number;
  idempotency: Key | undefined;
}

/** The outcome for a key that is known already. */
type Known = Exclude<Created<Conversation>, { kind: 'created' }>;

/**
 * Reads what a fork copies, or finds the fork that the same key made before, whatever became of the
 * original.
 * @returns the ids on the path, first to last; `message_not_found` where the message is not there
 */
export async function readPath(
  db: Database,
  { messageId, idempotency, ...mine }: PathRequest,
): Promise<
  | { kind: 'path'; conversation: Conversation; messageIds: string[] }
  | Known
  | Busy
  | { kind: 'not_found' }
  | { kind: 'message_not_found' }
> {
  const key = idempotency ?? { scope: '', key: '' };
  const made = query
    .select(conversationColumns)
    .from(conversations)
    .where(eq(conversations.id, knownResource(key)));
  const [[stored], path, [fork], [known]] = await batch(
    db,
    [selectState(mine), selectPath(mine.id, messageId), made, selectFingerprint(key)],
    'read',
  );
  if (known && known.fingerprint !== idempotency?.fingerprint) return { kind: 'key_reused' };
  if (known) return fork ? { kind: 'repeated', value: fork } : { kind: 'deleted' };
  if (!stored) return { kind: 'not_found' };
  if (messageId !== undefined && path.length === 0) return { kind: 'message_not_found' };
  const { running, ...conversation } = stored;
  if (running) return { kind: 'busy', ...running };
  return { kind: 'path', conversation, messageIds: path.map(({ id }) => id) };
}

/** Selects the path from the named message, or the head, up to the first; first to last. */
function selectPath(conversationId: string, messageId: string | undefined) {
  const { id, parentId, depth } = messages;
  const climb = sql`select ${id} as id, ${parentId} as parent_id, ${depth} as depth from ${messages}
      where ${id} = (select coalesce(${messageId ?? null}, ${conversations.headMessageId})
          from ${conversations} where ${conversations.id} = ${conversationId})
        and ${messages.conversationId} = ${conversationId}
    union all
    select ${id}, ${parentId}, ${depth} from path join ${messages} on ${id} = path.parent_id`;
  const path = query.$with('path', { id: sql<string>`id`.as('id') }).as(climb);
  return query
    .with(path)
    .select({ id: path.id })
    .from(path)
    .orderBy(sql`path.depth`);
}

interface Fork {
  conversation: NewConversation;
  /** Pairs of a message's id and its copy's, first to last. */
  copies: [from: string, to: string][];
  idempotency?: Key | undefined;
}

/**
 * Makes a conversation with copies of messages, in one line.
 * @returns `deleted` also when one of the messages has been deleted meanwhile; nothing is made then
 */
export function createFork(
  db: Database,
  { conversation, copies, idempotency }: Fork,
): Promise<Created<Conversation>> {
  const path = {
    length: copies.length,
    headMessageId: copies.at(-1)?.[1] ?? null,
    insert: [copyMessages(conversation.id, copies), copyFiles(conversation.id, copies)],
    condition: areThere(copies.map(([from]) => from)),
  };
  return createConversation(db, { conversation, path, idempotency });
}

/** The condition that messages are there, all of them. */
function areThere(ids: string[]): SQL {
  const found = sql`(select count(*) from json_each(${JSON.stringify(ids)}) as original
    join ${messages} on ${messages.id} = original.value)`;
  return sql`${found} = ${ids.length}`;
}

/** Copies belong to no turn: nobody follows them, and deleting the original leaves them alone. */
function copyMessages(id: string, copies: [string, string][]): Statement {
  const rows = copies.map(([from, to], at) => [from, to, at + 1, copies[at - 1]?.[1] ?? null]);
  const copy = selectRow(messages, {
    ...getTableColumns(messages),
    id: sql`copy.value ->> 1`,
    conversationId: conversations.id,
    turnId: null,
    parentId: sql`copy.value ->> 3`,
    depth: sql`copy.value ->> 2`,
    sequenceNumber: sql`copy.value ->> 2`,
    checkpoint: 0,
  });
  const select = sql`${copy} from json_each(${JSON.stringify(rows)}) as copy
    join ${conversations} on ${conversations.id} = ${id}
    join ${messages} on ${messages.id} = copy.value ->> 0 where true`;
  return statement(query.insert(messages).select(select).onConflictDoNothing());
}
