/** Conversations without their messages. The owner is in every WHERE. */
import { and, desc, eq, getTableColumns, inArray, lt, notExists, sql, type SQL } from 'drizzle-orm';
import type { Conversation, NewConversation } from '../core/conversation.ts';
import type { Principal } from '../core/principal.ts';
import type { Database, Statement } from './database.ts';
import { deleteDocuments } from './documents/documents.ts';
import { removeMessageFiles } from './files/remove-files.ts';
import { knownResource, rememberKey, selectFingerprint, type Key } from './idempotency-keys.ts';
import { ownedBy, ownerOf } from './ownership.ts';
import { pageOf, type Page } from './page.ts';
import { batch, now, prepare, query, selectRow, statement, type Given } from './query.ts';
import { conversations, documents, messageFiles, messages, toolRuns, turns } from './schema.ts';
import { isRunning } from './turns/running-in.ts';

const { lastSequenceNumber: _, isTemporary: __, ...columns } = getTableColumns(conversations);

/** The columns of a conversation that are read. */
export const conversationColumns = columns;

export type Created<T> =
  | { kind: 'created'; value: T }
  | { kind: 'repeated'; value: T }
  | { kind: 'key_reused' }
  /** The same request was made before, and its conversation has been deleted since. */
  | { kind: 'deleted' };

interface Creation {
  conversation: NewConversation;
  /** The messages that it begins with, in one line, and on what condition; none unless given. */
  path?: { length: number; headMessageId: string | null; insert: Statement[]; condition: SQL };
  idempotency?: Key | undefined;
}

/** Makes a conversation, or finds the one that the same key made before. */
export async function createConversation(
  db: Database,
  { conversation, path, idempotency }: Creation,
): Promise<Created<Conversation>> {
  const { id, userId } = conversation;
  const key = idempotency ?? { scope: '', key: '' };
  const row = selectRow(conversations, {
    ...conversation,
    metadata: conversation.metadata ?? null,
    isTemporary: conversation.isTemporary ?? false,
    messageCount: path?.length ?? 0,
    lastSequenceNumber: path?.length ?? 0,
    headMessageId: path?.headMessageId ?? null,
    createdAt: now,
    updatedAt: now,
  });
  const isNew = and(notExists(knownResource(key)), path?.condition);
  const select = sql`${row} where ${isNew}`;
  const made = query.select({ id: conversations.id }).from(conversations);
  const isWanted = sql`${conversations.id} = coalesce(${knownResource(key)}, ${id})`;
  const [, , , [found], [known]] = await batch(
    db,
    [
      query.insert(conversations).select(select).onConflictDoNothing(),
      idempotency
        ? [rememberKey(idempotency, statement(made.where(eq(conversations.id, id))))]
        : [],
      path?.insert ?? [],
      query
        .select(columns)
        .from(conversations)
        .where(and(eq(conversations.userId, userId), isWanted)),
      selectFingerprint(key),
    ],
    'write',
  );
  if (known && known.fingerprint !== idempotency?.fingerprint) return { kind: 'key_reused' };
  if (!found) return { kind: 'deleted' };
  return { kind: found.id === id ? 'created' : 'repeated', value: found };
}

/** Lists a user's conversations, newest first. @param cursor the last id of the page before */
export async function listConversations(
  db: Database,
  { userId, limit, cursor }: { userId: string; limit: number; cursor?: string },
): Promise<Page<Conversation>> {
  const select =
    cursor === undefined
      ? selectFirstPage({ userId, limit: limit + 1 })
      : selectPage({ userId, limit: limit + 1, cursor });
  const [found] = await batch(db, [select], 'read');
  const same = (conversation: Conversation) => conversation;
  return pageOf(found, limit, same, ({ id }) => id);
}

const selectFirstPage = prepare(({ userId, limit }: Given<'userId' | 'limit'>) =>
  selectNewest(eq(conversations.userId, userId)).limit(limit),
);

const selectPage = prepare(({ userId, limit, cursor }: Given<'userId' | 'limit' | 'cursor'>) =>
  selectNewest(and(eq(conversations.userId, userId), lt(conversations.id, cursor))).limit(limit),
);

function selectNewest(which: SQL | undefined) {
  const isKept = eq(conversations.isTemporary, false);
  return query
    .select(columns)
    .from(conversations)
    .where(and(which, isKept))
    .orderBy(desc(conversations.id));
}

/** A conversation's id, with the caller who asks for it. */
export interface Mine {
  id: string;
  principal: Principal;
}

type Name = { id: string; owner: string | null } | Given<'id' | 'owner'>;

function isMine({ id, owner }: Name): SQL | undefined {
  return and(eq(conversations.id, id), ownedBy(conversations.userId, owner));
}

const selectMine = prepare((given: Given<'id' | 'owner'>) =>
  query.select(columns).from(conversations).where(isMine(given)),
);

/** Selects a conversation; nothing where there is none for this caller. */
export function selectConversation({ id, principal }: Mine) {
  return selectMine({ id, owner: ownerOf(principal) });
}

/** Reads a conversation without its messages; undefined where there is none for this caller. */
export async function readConversation(
  db: Database,
  mine: Mine,
): Promise<Conversation | undefined> {
  const [[found]] = await batch(db, [selectConversation(mine)], 'read');
  return found;
}

export type ConversationChange = Partial<
  Pick<Conversation, 'title' | 'mode' | 'model' | 'instructions' | 'metadata'>
>;

/** Changes the given columns and no others; undefined where there is none for this caller. */
export async function changeConversation(
  db: Database,
  { change, ...mine }: Mine & { change: ConversationChange },
): Promise<Conversation | undefined> {
  const { title, mode, model, instructions, metadata } = change;
  const update = query
    .update(conversations)
    .set({ title, mode, model, instructions, metadata, updatedAt: now })
    .where(isMine({ id: mine.id, owner: ownerOf(mine.principal) }));
  const [, [changed]] = await batch(db, [update, selectConversation(mine)], 'write');
  return changed;
}

/**
 * Deletes a conversation with its messages, turns, documents and the files that no other has. A
 * request of its own finds it first, since a deletion that is retried after a lost answer no longer
 * finds anything.
 * @returns false when there is no such conversation for this caller
 */
export async function deleteConversation(db: Database, mine: Mine): Promise<boolean> {
  const found = await readConversation(db, mine);
  if (!found) return false;
  const { id, userId } = found;
  const isTheirs = and(eq(conversations.id, id), eq(conversations.userId, userId));
  const ids = query.select({ id: conversations.id }).from(conversations).where(isTheirs);
  await batch(
    db,
    [
      deleteDocuments(userId, eq(documents.conversationId, id)),
      removeMessageFiles(eq(messageFiles.conversationId, id)),
      query.delete(messages).where(inArray(messages.conversationId, ids)),
      query.delete(turns).where(inArray(turns.conversationId, ids)),
      query
        .delete(toolRuns)
        .where(and(eq(toolRuns.userId, userId), eq(toolRuns.conversationId, id))),
      query.delete(conversations).where(isTheirs),
    ],
    'write',
  );
  return true;
}

/**
 * Temporary conversations are left for so long after their last turn, in milliseconds: a repeat may
 * still read them, and a socket go on in them.
 */
const TEMPORARY_FOR_MS = 10 * 60_000;

/** Finds temporary conversations that a crash has left behind: no turn runs in them. */
export async function findLeftBehind(db: Database) {
  const { id, userId } = conversations;
  const running = query
    .select({ one: sql`1` })
    .from(turns)
    .where(and(eq(turns.userId, userId), eq(turns.conversationId, id), isRunning));
  const longAgo = sql`${now} - ${sql.raw(String(TEMPORARY_FOR_MS))}`;
  // What was not used lately is older than that; by its age the index finds it.
  const isOld = and(lt(conversations.createdAt, longAgo), lt(conversations.updatedAt, longAgo));
  // As the index has it: a bound value would not find it.
  const isTemporary = sql`is_temporary = 1`;
  const select = query
    .select({ id, userId })
    .from(conversations)
    .where(and(isTemporary, isOld, notExists(running)))
    .limit(100);
  const [found] = await batch(db, [select], 'read');
  return found;
}

const selectAny = prepare(() =>
  query.select({ id: conversations.id }).from(conversations).limit(1),
);

/** Asks for one trivial row. @throws ParleyError `database_unavailable` when there is no answer */
export async function ping(db: Database): Promise<void> {
  await batch(db, [selectAny({})], 'read', 0);
}
