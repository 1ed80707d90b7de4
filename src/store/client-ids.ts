/** Finds conversations and messages by the names that clients gave them. */
import { and, desc, eq, inArray, or } from 'drizzle-orm';
import type { Role } from '../core/message.ts';
import type { Part } from '../core/parts.ts';
import type { Principal } from '../core/principal.ts';
import { selectConversation } from './conversations.ts';
import type { Database } from './database.ts';
import { ownedBy, ownerOf } from './ownership.ts';
import { batch, prepare, query, type Given } from './query.ts';
import { conversations, messages, turns } from './schema.ts';
import { isRunning } from './turns/interrupt.ts';

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

const selectRunning = prepare(({ conversationId, owner }: Given<'conversationId' | 'owner'>) =>
  query
    .select({ turnId: turns.id })
    .from(turns)
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(
      and(
        eq(turns.conversationId, conversationId),
        isRunning,
        ownedBy(conversations.userId, owner),
      ),
    ),
);

/** Finds the turn that runs in a conversation; undefined when there is none for this caller. */
export async function findRunningTurn(
  db: Database,
  { conversationId, principal }: { conversationId: string; principal: Principal },
): Promise<string | undefined> {
  const select = selectRunning({ conversationId, owner: ownerOf(principal) });
  const [[found]] = await batch(db, [select], 'read');
  return found?.turnId;
}
