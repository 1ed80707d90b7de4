/** A turn as everybody may see it in the database. */
import { and, eq, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/sqlite-core';
import type { ReadTurn, Siblings } from '../../core/message.ts';
import { contentOf } from '../../core/parts.ts';
import type { Principal } from '../../core/principal.ts';
import { waitingIn } from '../../core/steering.ts';
import type { Database } from '../database.ts';
import { isRemembered, type Key } from '../idempotency-keys.ts';
import { messageSelection, siblingsOf } from '../message-view.ts';
import { ownedBy, ownerOf } from '../ownership.ts';
import { batch, prepare, query, type Given } from '../query.ts';
import { conversations, idempotencyKeys, messages, turns } from '../schema.ts';
import { readRepaired } from './read-repaired.ts';

/** The address of a turn. */
export interface TurnAddress {
  turnId: string;
  conversationId: string;
}

const prompt = alias(messages, 'prompt');

const selectMine = prepare(({ turnId, owner }: Given<'turnId' | 'owner'>) =>
  query
    .select({
      ...messageSelection(),
      turn: {
        state: turns.state,
        error: turns.error,
        model: turns.model,
        created: turns.created,
        parameters: turns.parameters,
        steering: turns.steering,
        hasHeartbeat: sql`${turns.heartbeatAt} > ${turns.startedAt}`.mapWith(Boolean),
      },
      conversation: { title: conversations.title, createdAt: conversations.createdAt },
      prompt: {
        id: prompt.id,
        parts: prompt.parts,
        sequenceNumber: prompt.sequenceNumber,
        parentId: prompt.parentId,
        ...siblingsOf(prompt),
      },
    })
    .from(turns)
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .innerJoin(messages, eq(messages.id, turns.assistantMessageId))
    .innerJoin(prompt, eq(prompt.id, turns.promptMessageId))
    .where(and(eq(turns.id, turnId), ownedBy(conversations.userId, owner))),
);

/** Selects a turn, for {@link turnFrom}; nothing where there is none for this caller. */
export function selectTurn(turnId: string, principal: Principal) {
  return selectMine({ turnId, owner: ownerOf(principal) });
}

type TurnRow = ReturnType<ReturnType<typeof selectTurn>['read']>[number];

/** Makes a turn of a row of {@link selectTurn}. */
export function turnFrom(row: TurnRow): ReadTurn {
  const { turn, conversation, prompt: asked, ...message } = row;
  const { index, count, parts, ...promptMessage } = asked;
  const { id, sequenceNumber, siblings, clientId } = message;
  const running = turn.state === 'running';
  return {
    head: {
      turnId: message.turnId ?? '',
      conversationId: message.conversationId,
      created: turn.created,
      title: conversation.title,
      model: turn.model,
      userMessage: { ...promptMessage, siblings: { index, count }, text: contentOf(parts) },
      assistantMessage: { id, sequenceNumber, siblings, clientId },
      acceptedAt: message.createdAt,
      conversationCreatedAt: conversation.createdAt,
      parameters: turn.parameters ?? undefined,
    },
    running,
    hasHeartbeat: turn.hasHeartbeat,
    promptParts: parts,
    waiting: running ? waitingIn(turn.steering ?? [], message.parts) : [],
    message,
    error: turn.error ?? undefined,
  };
}

/**
 * Reads a turn as it is stored; it is ended first if its owner has gone. Undefined when this caller
 * has none.
 */
export async function readTurn(
  db: Database,
  { turnId, principal, leaseMs }: { turnId: string; principal: Principal; leaseMs: number },
): Promise<ReadTurn | undefined> {
  const select = [selectTurn(turnId, principal)] as const;
  const [[row]] = await readRepaired(db, { select, stale: { turnId }, leaseMs });
  return row && turnFrom(row);
}

/** A turn's address, and all that can still change in it once it has ended. */
export interface TurnStanding extends TurnAddress {
  title: string | null;
  /** The place of the answer among those to the same message. */
  siblings: Siblings;
  /** The `writes` of the database before this was read. */
  readAfter: number;
}

/** The place of a turn's answer in the tree, as its turn has it. */
const answerPlace = {
  conversationId: turns.conversationId,
  parentId: turns.promptMessageId,
  depth: sql`(select ${messages.depth} from ${messages} where ${messages.id} = ${turns.assistantMessageId})`,
  sequenceNumber: turns.sequenceNumber,
};

const selectStanding = prepare(({ turnId, owner }: Given<'turnId' | 'owner'>) =>
  query
    .select({
      turnId: turns.id,
      conversationId: turns.conversationId,
      title: conversations.title,
      siblings: siblingsOf(answerPlace),
    })
    .from(turns)
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(and(eq(turns.id, turnId), ownedBy(conversations.userId, owner))),
);

/** Finds how a turn stands; undefined where there is none for this caller. */
export async function findTurn(
  db: Database,
  { turnId, principal }: { turnId: string; principal: Principal },
): Promise<TurnStanding | undefined> {
  const readAfter = db.writes;
  const select = selectStanding({ turnId, owner: ownerOf(principal) });
  const [[found]] = await batch(db, [select], 'read');
  return found && { ...found, readAfter };
}

const selectByNumber = prepare((given: Given<'conversationId' | 'sequenceNumber' | 'owner'>) =>
  query
    .select({ id: turns.id })
    .from(turns)
    .innerJoin(conversations, eq(conversations.id, turns.conversationId))
    .where(
      and(
        eq(turns.conversationId, given.conversationId),
        eq(turns.sequenceNumber, given.sequenceNumber),
        ownedBy(conversations.userId, given.owner),
      ),
    ),
);

interface AnswerAddress {
  conversationId: string;
  sequenceNumber: number;
  principal: Principal;
}

/** Finds the turn whose answer has this sequence number in a conversation. */
export async function findTurnId(
  db: Database,
  { conversationId, sequenceNumber, principal }: AnswerAddress,
): Promise<string | undefined> {
  const select = selectByNumber({ conversationId, sequenceNumber, owner: ownerOf(principal) });
  const [[found]] = await batch(db, [select], 'read');
  return found?.id;
}

const selectByKey = prepare((given: Given<'scope' | 'key' | 'fingerprint'>) =>
  query
    .select({ turnId: turns.id, conversationId: turns.conversationId })
    .from(idempotencyKeys)
    .innerJoin(turns, eq(turns.id, idempotencyKeys.resourceId))
    .where(and(isRemembered(given), eq(idempotencyKeys.fingerprint, given.fingerprint))),
);

/**
 * Finds the turn that a key's first request made; undefined when it made none, or was another
 * request.
 */
export async function findTurnByKey(db: Database, key: Key): Promise<TurnAddress | undefined> {
  const [[found]] = await batch(db, [selectByKey({ ...key })], 'read');
  return found;
}
