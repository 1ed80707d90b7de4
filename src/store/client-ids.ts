/** Finds conversations and messages by the names that clients gave them. */
import { and, desc, eq, inArray, or, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import type { Role } from '../core/message.ts';
import type { Part } from '../core/parts.ts';
import type { Principal } from '../core/principal.ts';
import { selectConversation } from './conversations.ts';
import type { Database } from './database.ts';
import { ownedBy, ownerOf } from './ownership.ts';
import { follows } from './tree/followers.ts';
import { batch, now, prepare, query, type Given } from './query.ts';
import { conversations, messages, turns } from './schema.ts';
import { runsIn } from './turns/running-in.ts';

const selectNamed = prepare(({ userId, name }: Given<'userId' | 'name'>) =>
  query
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(eq(conversations.userId, userId), eq(conversations.clientId, name))),
);

/**
 * Finds a conversation by the name that a client gave it, or by its id.
 * @param userId the user among whose conversations the name is unique
 * @returns the id; undefined when this caller has no such conversation
 */
export async function findConversation(
  db: Database,
  { name, userId, principal }: { name: string; userId: string; principal: Principal },
): Promise<string | undefined> {
  const [[named], [found]] = await batch(
    db,
    [selectNamed({ userId, name }), selectConversation({ id: name, principal })],
    'read',
  );
  return named?.id ?? found?.id;
}

/** A message that a client named. */
export interface NamedMessage {
  id: string;
  clientId: string | null;
  role: Role;
  parentId: string | null;
  parts: Part[];
}

/**
 * Finds messages of a conversation by their ids or the names that clients gave them.
 * @returns the newest first, since several versions of a message share its name
 */
export async function findMessages(
  db: Database,
  { conversationId, names }: { conversationId: string; names: string[] },
): Promise<NamedMessage[]> {
  const { id, clientId, role, parentId, parts } = messages;
  const isIn = eq(messages.conversationId, conversationId);
  const select = query
    .select({ id, clientId, role, parentId, parts })
    .from(messages)
    .where(or(and(isIn, inArray(id, names)), and(isIn, inArray(clientId, names))))
    .orderBy(desc(messages.sequenceNumber));
  const [found] = await batch(db, [select], 'read');
  return found;
}

const answers = alias(messages, 'answers');

/**
 * Finds the newest version of a user message by the name that a client gave it, with its newest
 * answer: how that stands, its turn, and the milliseconds since it began.
 */
export async function findAsked(
  db: Database,
  { conversationId, name }: { conversationId: string; name: string },
) {
  const { id, parentId, parts } = messages;
  const { status, turnId, createdAt } = answers;
  const age = sql<number>`${now} - ${createdAt}`;
  const select = query
    .select({ id, parentId, parts, status, turnId, age })
    .from(messages)
    .innerJoin(
      answers,
      follows(answers, {
        conversationId,
        parentId: messages.id,
        depth: sql`${messages.depth} + 1`,
      }),
    )
    .where(
      and(
        eq(messages.conversationId, conversationId),
        eq(messages.clientId, name),
        eq(messages.role, 'user'),
      ),
    )
    .orderBy(desc(messages.sequenceNumber), desc(answers.sequenceNumber))
    .limit(1);
  const [[found]] = await batch(db, [select], 'read');
  return found;
}

const selectRunning = prepare(({ conversationId, owner }: Given<'conversationId' | 'owner'>) =>
  query
    .select({ turnId: turns.id, answerName: messages.clientId })
    .from(turns)
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .innerJoin(messages, eq(messages.id, turns.assistantMessageId))
    .where(and(runsIn(conversationId), ownedBy(conversations.userId, owner))),
);

/**
 * Finds the turn that runs in a conversation, and the name that a client gave its answer; undefined
 * when there is none for this caller.
 */
export async function findRunningTurn(
  db: Database,
  { conversationId, principal }: { conversationId: string; principal: Principal },
): Promise<{ turnId: string; answerName: string | null } | undefined> {
  const select = selectRunning({ conversationId, owner: ownerOf(principal) });
  const [[found]] = await batch(db, [select], 'read');
  return found;
}
