/** Finds the answers that requests go on from, and the turn that a request repeats. */
import { and, desc, eq, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import type { Status } from '../../core/message.ts';
import type { Part } from '../../core/parts.ts';
import type { Principal } from '../../core/principal.ts';
import type { Database } from '../database.ts';
import { ownedBy, ownerOf } from '../ownership.ts';
import { batch, now, prepare, query, type Given } from '../query.ts';
import { follows } from '../tree/followers.ts';
import { conversations, messages, turns } from '../schema.ts';
import type { TurnAddress } from './read.ts';

/** An answer that a message may follow. */
export interface AnswerPlace {
  id: string;
  conversationId: string;
  /** True where the conversation is not kept. */
  isTemporary: boolean;
}

const place = {
  conversationId: conversations.id,
  isTemporary: conversations.isTemporary,
};

const selectOfTurn = prepare(({ id, owner }: Given<'id' | 'owner'>) =>
  query
    .select({ id: turns.assistantMessageId, ...place })
    .from(turns)
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(and(eq(turns.id, id), ownedBy(conversations.userId, owner))),
);

const selectAnswer = prepare(({ id, owner }: Given<'id' | 'owner'>) =>
  query
    .select({ id: messages.id, ...place })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .where(
      and(
        eq(messages.id, id),
        eq(messages.role, 'assistant'),
        ownedBy(conversations.userId, owner),
      ),
    ),
);

/**
 * Finds the answer of a turn, or an answer by its own id; undefined where there is none for this
 * caller.
 */
export async function findAnswer(
  db: Database,
  { principal, ...which }: { principal: Principal } & ({ turnId: string } | { messageId: string }),
): Promise<AnswerPlace | undefined> {
  const owner = ownerOf(principal);
  const select =
    'turnId' in which
      ? selectOfTurn({ id: which.turnId, owner })
      : selectAnswer({ id: which.messageId, owner });
  const [[found]] = await batch(db, [select], 'read');
  return found;
}

const questions = alias(messages, 'questions');

const selectAnswersTo = prepare(({ id, owner }: Given<'id' | 'owner'>) =>
  query
    .select({ id: messages.id, ...place, parts: messages.parts, status: messages.status })
    .from(questions)
    .innerJoin(conversations, eq(conversations.id, questions.conversationId))
    .innerJoin(
      messages,
      follows(messages, {
        conversationId: questions.conversationId,
        parentId: questions.id,
        depth: sql`${questions.depth} + 1`,
      }),
    )
    .where(and(eq(questions.id, id), ownedBy(conversations.userId, owner)))
    .orderBy(desc(messages.id)),
);

/** An answer with what it says. */
export interface SaidAnswer extends AnswerPlace {
  parts: Part[];
  status: Status;
}

/** Finds the answers to a message, newest first. */
export async function findAnswersTo(
  db: Database,
  { messageId, principal }: { messageId: string; principal: Principal },
): Promise<SaidAnswer[]> {
  const select = selectAnswersTo({ id: messageId, owner: ownerOf(principal) });
  const [found] = await batch(db, [select], 'read');
  return found;
}

/** A retry that comes later than this is a new request, milliseconds. */
export const RETRY_WITHIN_MS = 60_000;

const selectByHash = prepare(({ hash, owner }: Given<'hash' | 'owner'>) =>
  query
    .select({
      turnId: turns.id,
      conversationId: turns.conversationId,
      state: turns.state,
      parameters: turns.parameters,
      age: sql<number>`${now} - ${turns.startedAt}`,
    })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .innerJoin(turns, eq(turns.id, messages.turnId))
    .where(and(eq(messages.historyHash, hash), ownedBy(conversations.userId, owner)))
    .orderBy(desc(messages.id)),
);

/**
 * Finds the turn of a request that a client says it repeats: it runs, or began a moment ago.
 * @param hash of the question with all that leads to it
 * @param request the hash of the request
 */
export async function findRepeated(
  db: Database,
  { hash, request, principal }: { hash: string; request: string; principal: Principal },
): Promise<TurnAddress | undefined> {
  const [found] = await batch(db, [selectByHash({ hash, owner: ownerOf(principal) })], 'read');
  return found.find(
    ({ state, age, parameters }) =>
      parameters?.request === request && (state === 'running' || age < RETRY_WITHIN_MS),
  );
}
