/** Finding a message by its id alone. */
import { and, eq, sql } from 'drizzle-orm';
import type { Role } from '../../core/message.ts';
import type { Part } from '../../core/parts.ts';
import type { Principal } from '../../core/principal.ts';
import type { Database } from '../database.ts';
import { ownedBy, ownerOf } from '../ownership.ts';
import { batch, prepare, query, type Given } from '../query.ts';
import { conversations, messages } from '../schema.ts';
import { follows } from './followers.ts';

/** A message with its place in the tree. */
export interface MessageAddress {
  id: string;
  conversationId: string;
  role: Role;
  parentId: string | null;
  depth: number;
  parts: Part[];
}

const selectAddress = prepare(({ id, owner }: Given<'id' | 'owner'>) =>
  query
    .select({
      id: messages.id,
      conversationId: messages.conversationId,
      role: messages.role,
      parentId: messages.parentId,
      depth: messages.depth,
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

const selectFollower = prepare(
  ({ id, conversationId, depth }: Given<'id' | 'conversationId' | 'depth'>) =>
    query
      .select({ id: messages.id })
      .from(messages)
      .where(follows(messages, { conversationId, parentId: id, depth: sql`${depth} + 1` }))
      .limit(1),
);

/** Returns true when a message has others below it. */
export async function hasFollowers(
  db: Database,
  { id, conversationId, depth }: Pick<MessageAddress, 'id' | 'conversationId' | 'depth'>,
): Promise<boolean> {
  const [[found]] = await batch(db, [selectFollower({ id, conversationId, depth })], 'read');
  return found !== undefined;
}
