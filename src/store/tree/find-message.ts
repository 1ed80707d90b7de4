/** Finding a message by its id alone. */
import { and, eq } from 'drizzle-orm';
import type { Role } from '../../core/message.ts';
import type { Part } from '../../core/parts.ts';
import type { Principal } from '../../core/principal.ts';
import type { Database } from '../database.ts';
import { ownedBy, ownerOf } from '../ownership.ts';
import { batch, prepare, query, type Given } from '../query.ts';
import { conversations, messages } from '../schema.ts';

/** A message with its place in the tree. */
export interface MessageAddress {
  id: string;
  conversationId: string;
  role: Role;
  parentId: string | null;
  parts: Part[];
}

const selectAddress = prepare(({ id, owner }: Given<'id' | 'owner'>) =>
  query
    .select({
      id: messages.id,
      conversationId: messages.conversationId,
      role: messages.role,
      parentId: messages.parentId,
      parts: messages.parts,
    })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(and(eq(messages.id, id), ownedBy(conversations.userId, owner))),
);

/** Finds a message by its id alone; undefined when there is none for this caller. */
export async function findMessage(
  db: Database,
  { id, principal }: { id: string; principal: Principal },
): Promise<MessageAddress | undefined> {
  const [[found]] = await batch(db, [selectAddress({ id, owner: ownerOf(principal) })], 'read');
  return found;
}

const selectFollower = prepare(({ id, conversationId }: Given<'id' | 'conversationId'>) =>
  query
    .select({ id: messages.id })
    .from(messages)
    .where(and(eq(messages.conversationId, conversationId), eq(messages.parentId, id)))
    .limit(1),
);

/** Returns true when a message has others below it. */
export async function hasFollowers(
  db: Database,
  { id, conversationId }: Pick<MessageAddress, 'id' | 'conversationId'>,
): Promise<boolean> {
  const [[found]] = await batch(db, [selectFollower({ id, conversationId })], 'read');
  return found !== undefined;
}
