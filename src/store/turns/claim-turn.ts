/**
 * Accepts a turn: one batch checks ownership, takes the conversation's only place for a running
 * turn, stores the user's message and the empty answer, and reads what to send to the model. The
 * result is read inside the same transaction.
 */
import type { NewConversation } from '../../core/conversation.ts';
import { confirmClaim } from '../credentials/tickets.ts';
import { isRefusedCredential } from '../credentials/confirm.ts';
import { NOW, type Database, type Statement } from '../database.ts';
import { noteFiles } from '../files/message-files.ts';
import { KNOWN_RESOURCE, releaseKey, rememberKey } from '../idempotency-keys.ts';
import { RESERVE_RESULT, reserve } from '../limits/reserve.ts';
import { reservedFrom } from '../limits/reserved.ts';
import { ownerArgs } from '../ownership.ts';
import { keyArgs, type ClaimLimits, type ClaimResult, type TurnClaim } from './claim.ts';
import { inheritFromCaller, repeatParameters } from './continue-calls.ts';
import { claimResultFrom, selectClaimResult } from './claim-result.ts';
import { selectSteered, steer, steeredFrom, steeredTurnOf } from './steering.ts';
import { placementOf, type Placement } from './placement.ts';

/**
 * Takes the turn or says why not; safe to repeat with the same ids. Nobody may be told of it before
 * a `flush`.
 */
export async function claimTurn(
  db: Database,
  claim: TurnClaim,
  limits: ClaimLimits,
): Promise<ClaimResult> {
  const placement = placementOf(claim.input, {
    id: claim.assistantMessageId,
    clientId: claim.answerClientId,
  });
  const begun = [
    ...confirmClaim(claim.principal, claim.turnId),
    ...(claim.create ? [insertConversation(claim, claim.create)] : []),
    insertTurn(claim, placement),
  ];
  const reservation = reservationOf(claim);
  const statements = [
    ...begun,
    ...reservation,
    ...(claim.steering ? [steer(claim, limits)] : []),
    ...remembered(claim),
    insertMessages(claim, placement),
    updateConversation(claim, placement),
    ...placement.more,
    ...inherited(claim),
    ...attached(claim),
    ...(claim.steering ? [selectSteered(claim)] : []),
    selectClaimResult(claim, placement, limits),
  ];
  try {
    const results = await db.batch(statements, 'write-unflushed');
    const told = reservation.length === 0 ? undefined : results[begun.length + RESERVE_RESULT];
    const result = claimResultFrom(claim, results.at(-1)?.rows[0], reservedFrom(told));
    const isInTheWay = result.kind === 'busy' || result.kind === 'repeated';
    if (!claim.steering || !isInTheWay) return result;
    return steeredFrom(results.at(-2)?.rows[0]) ?? result;
  } catch (error) {
    if (isRefusedCredential(error)) return { kind: 'unauthenticated' };
    throw error;
  }
}

/**
 * Returns what a claim takes over from an earlier turn: nothing, for a message that begins anew.
 */
function inherited(claim: TurnClaim): Statement[] {
  if (claim.input.kind === 'regenerate') return repeatParameters(claim);
  return claim.input.answers ? inheritFromCaller(claim) : [];
}

/**
 * Returns the statements that note the files of a claim's message: of the message itself, or of the
 * answer that it steers.
 */
export function attached({ input, conversationId }: TurnClaim): Statement[] {
  return input.kind === 'message' ? noteFiles({ ...input, conversationId }) : [];
}

function reservationOf({ reservation, instanceId, create }: TurnClaim): Statement[] {
  return reservation ? reserve(reservation, { instanceId, created: create?.id }) : [];
}

// The statements are made once: a connection to a file finds what it has prepared by their text.

/** True for a new claim: its key is not known, and it was not released before it arrived. */
const IS_NEW = `NOT EXISTS (${KNOWN_RESOURCE}) AND NOT EXISTS (${KNOWN_RESOURCE})`;

function newArgs(claim: TurnClaim): string[] {
  const { scope, key } = releaseKey(claim.turnId);
  return [...keyArgs(claim), scope, key];
}

const INSERT_CONVERSATION = `INSERT INTO conversations (id, user_id, title, mode, model, instructions, client_id, is_temporary, created_at, updated_at)
  SELECT ?, ?, ?, ?, ?, ?, ?, ?, ${NOW}, ${NOW} WHERE ${IS_NEW} ON CONFLICT DO NOTHING`;

const INSERT_UNLESS_ASKED = INSERT_CONVERSATION.replace(
  ' ON CONFLICT',
  ` AND NOT EXISTS (SELECT 1 FROM messages q JOIN conversations k ON k.id = q.conversation_id
      WHERE q.history_hash = ? AND k.user_id = ? AND k.is_temporary = ?) ON CONFLICT`,
);

function insertConversation(claim: TurnClaim, create: NewConversation): Statement {
  const { userId, isTemporary, unlessAsked } = create;
  return {
    sql: unlessAsked === undefined ? INSERT_CONVERSATION : INSERT_UNLESS_ASKED,
    args: [
      create.id,
      userId,
      create.title,
      create.mode,
      create.model,
      create.instructions,
      create.clientId,
      isTemporary ? 1 : 0,
      ...newArgs(claim),
      ...(unlessAsked === undefined ? [] : [unlessAsked, userId, isTemporary ? 1 : 0]),
    ],
  };
}

/** Returns the statement that takes the conversation's place for a running turn. */
export function insertTurn(claim: TurnClaim, placement: Placement): Statement {
  return {
    sql: placement.insertTurn,
    args: [
      claim.turnId,
      claim.instanceId,
      placement.promptId,
      claim.assistantMessageId,
      claim.model,
      claim.defaultModel,
      claim.parameters ? JSON.stringify(claim.parameters) : null,
      claim.create ? 1 : 0,
      claim.conversationId,
      ...ownerArgs(claim.principal),
      ...newArgs(claim),
      ...placement.conditionArgs,
    ],
  };
}

function remembered(claim: TurnClaim): Statement[] {
  const { idempotency } = claim;
  return idempotency && !idempotency.isForUnread ? [rememberKey(idempotency, turnOf(claim))] : [];
}

function turnOf(claim: TurnClaim): Statement {
  if (claim.steering) return steeredTurnOf(claim);
  const { turnId } = claim;
  return { sql: 'SELECT id FROM turns WHERE id = ?', args: [turnId] };
}

/** Returns the statement that stores the question, where it is new, and the empty answer. */
export function insertMessages(claim: TurnClaim, placement: Placement): Statement {
  return {
    sql: placement.insertMessages,
    args: [...placement.messageArgs, claim.turnId],
  };
}

/** Returns the statement that makes the answer the end of the active path. */
export function updateConversation(claim: TurnClaim, placement: Placement): Statement {
  const { title, conversationId, turnId } = claim;
  return {
    sql: placement.updateConversation,
    args: [claim.assistantMessageId, ...placement.lengthArgs, title, conversationId, turnId],
  };
}
