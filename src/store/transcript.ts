/**
 * The messages of a conversation: those of its active path, from its head up to the first, or the
 * whole tree. Both are in the order in which the messages were made.
 */
import { and, asc, desc, eq, gt, sql, type SQL } from 'drizzle-orm';
import type { Conversation } from '../core/conversation.ts';
import type { Message } from '../core/message.ts';
import type { Principal } from '../core/principal.ts';
import { selectConversation, type Mine } from './conversations.ts';
import type { Database } from './database.ts';
import { messageSelection } from './message-view.ts';
import { ownerOf } from './ownership.ts';
import { batch, prepare, query, type Given } from './query.ts';
import { conversations, messages } from './schema.ts';
import { readRepaired } from './turns/read-repaired.ts';

export interface Transcript {
  conversation: Conversation;
  /** Oldest first. */
  messages: Message[];
  /** True when there are messages before the newest, or after the page. */
  more: boolean;
}

/** The messages to read: the newest so many, or a page of the oldest after a sequence number. */
export type Slice = { newest: number } | { limit: number; after: number; tree?: boolean };

/** Reads a conversation with messages, oldest first; undefined when this caller has none. */
export async function readTranscript(
  db: Database,
  { slice, leaseMs, ...mine }: Mine & { slice: Slice; leaseMs: number },
): Promise<Transcript | undefined> {
  const limit = 'newest' in slice ? slice.newest : slice.limit;
  const [[conversation], rows] = await readRepaired(db, {
    select: [selectConversation(mine), selectMessages(mine.id, slice)],
    stale: { conversationId: mine.id },
    leaseMs,
  });
  if (!conversation) return undefined;
  const found = rows.slice(0, limit);
  return {
    conversation,
    messages: 'newest' in slice ? found.toReversed() : found,
    more: rows.length > limit,
  };
}

function selectMessages(id: string, slice: Slice) {
  if ('newest' in slice) return selectNewest({ id, limit: slice.newest + 1 });
  const { after, limit, tree } = slice;
  if (tree) return selectTree({ id, after, limit: limit + 1 });
  return selectPage({ id, after, limit: limit + 1, end: after + limit + 1 });
}

const selectTree = prepare(({ id, after, limit }: Given<'id' | 'after' | 'limit'>) =>
  query
    .select(messageSelection())
    .from(conversations)
    .innerJoin(messages, eq(messages.conversationId, conversations.id))
    .where(and(eq(conversations.id, id), gt(messages.sequenceNumber, after)))
    .orderBy(asc(messages.sequenceNumber))
    .limit(limit),
);

/** Selects the messages whose rows a recursive query, `path`, has climbed to. */
function selectOnPath(climb: SQL) {
  const path = query.$with('path', {}).as(climb);
  return query
    .with(path)
    .select(messageSelection())
    .from(path)
    .innerJoin(messages, sql`${messages}.rowid = path.at`)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId));
}

const selectNewest = prepare(({ id, limit }: Given<'id' | 'limit'>) =>
  selectOnPath(sql`
    select m.rowid as at, m.parent_id as parent_id, 1 as count
      from conversations c join messages m on m.id = c.head_message_id where c.id = ${id}
    union all
    select m.rowid, m.parent_id, path.count + 1
      from path join messages m on m.id = path.parent_id where path.count < ${limit}`).orderBy(
    desc(messages.sequenceNumber),
  ),
);

/**
 * Climbs to a page from the head. In a conversation that is one line, it climbs from the first
 * message behind the page, whose sequence number, `end`, is known.
 */
const selectPage = prepare(({ id, after, end, limit }: Given<'id' | 'after' | 'end' | 'limit'>) =>
  selectOnPath(sql`
    select m.rowid as at, m.parent_id as parent_id from conversations c join messages m on m.id =
      case when c.message_count = c.last_sequence_number and c.message_count > ${end}
        then (select s.id from messages s
          where s.conversation_id = c.id and s.sequence_number = ${end})
        else c.head_message_id end
      where c.id = ${id} and m.sequence_number > ${after}
    union all
    select m.rowid, m.parent_id
      from path join messages m on m.id = path.parent_id where m.sequence_number > ${after}`)
    .orderBy(asc(messages.sequenceNumber))
    .limit(limit),
);

const selectPathTo = prepare(({ id, owner, limit }: Given<'id' | 'owner' | 'limit'>) =>
  selectOnPath(sql`
    select m.rowid as at, m.parent_id as parent_id, 1 as count
      from messages m join conversations c on c.id = m.conversation_id
      where m.id = ${id} and (${owner} is null or c.user_id = ${owner})
    union all
    select m.rowid, m.parent_id, path.count + 1
      from path join messages m on m.id = path.parent_id where path.count < ${limit}`).orderBy(
    asc(messages.sequenceNumber),
  ),
);

/** The most messages of a path that are read at once. */
const LONGEST_PATH = 1_000;

/**
 * Reads the path up to a message, oldest first: the newest 1,000 of it. It is empty where this
 * caller has no such message.
 */
export async function readPathTo(
  db: Database,
  { messageId, principal }: { messageId: string; principal: Principal },
): Promise<Message[]> {
  const select = selectPathTo({ id: messageId, owner: ownerOf(principal), limit: LONGEST_PATH });
  const [found] = await batch(db, [select], 'read');
  return found;
}

/** The number of newest conversations that count as recent, however many a user has. */
const RECENT_CONVERSATIONS = 50;
/** The number of newest messages read of each. */
const RECENT_MESSAGES = 20;

const selectRecent = prepare(({ userId, except }: Given<'userId' | 'except'>) =>
  selectOnPath(sql`
    select m.rowid as at, m.parent_id as parent_id, c.id as conversation, 1 as count from (
        select id, head_message_id from conversations
          where user_id = ${userId} and id <> ${except} order by id desc limit ${literal(RECENT_CONVERSATIONS)}
      ) c cross join messages m on m.id = c.head_message_id
    union all
    select m.rowid, m.parent_id, path.conversation, path.count + 1
      from path join messages m on m.id = path.parent_id
      where path.count < ${literal(RECENT_MESSAGES)}`).orderBy(
    sql`path.conversation desc`,
    asc(messages.sequenceNumber),
  ),
);

function literal(value: number): SQL {
  return sql.raw(String(value));
}

/** Reads the newest messages of a user's other conversations, conversation by conversation. */
export async function recentMessages(
  db: Database,
  { userId, except }: { userId: string; except: string },
): Promise<Message[]> {
  const [found] = await batch(db, [selectRecent({ userId, except })], 'read');
  return found;
}
