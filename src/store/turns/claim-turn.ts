/**
 * Accepts a turn: one batch checks ownership, takes the conversation's only place for a running
 * turn, stores the user's message and the empty answer, and reads what to send to the model. The
 * result is read inside the same transaction.
 */
import type { NewConversation } from '../../core/conversation.ts';
import { bindClaim, confirmClaim } from '../credentials/tickets.ts';
import { heldArgs, isRefusedCredential } from '../credentials/confirm.ts';
import { NOW, type Database, type ResultSet, type Statement } from '../database.ts';
import { noteFiles } from '../files/message-files.ts';
import { rememberKey } from '../idempotency-keys.ts';
import { dropUnused, RESERVE_RESULT, reserve } from '../limits/reserve.ts';
import { grantedFrom } from '../limits/granted.ts';
import { reservedFrom, type Reserved } from '../limits/reserved.ts';
import { WAYS, type Way } from '../limits/wanted.ts';
import {
  confirmedByInsertion,
  type ClaimLimits,
  type ClaimResult,
  type TurnClaim,
} from './claim.ts';
import { text } from '../rows.ts';
import { inheritFromCaller, repeatParameters } from './continue-calls.ts';
import { notMade, selectClaimResult, toldOf } from './claim-result.ts';
import {
  insertGranted,
  insertPlain,
  insertUnlimited,
  IS_HELD,
  IS_NEW,
  newArgs,
} from './insert-turn.ts';
import { selectSteered, steer, steeredFrom, steeredTurnOf } from './steering.ts';
import { placementOf, type Placement } from './placement.ts';

/**
 * Takes the turn or says why not; safe to repeat with the same ids. Nobody may be told of it before
 * a `flush`.
 * @returns the result, and the way that gave it
 */
export async function claimTurn(
  db: Database,
  claim: TurnClaim,
  limits: ClaimLimits,
): Promise<ClaimResult & { way?: Way | undefined }> {
  try {
    for (const way of waysFor(claim)) {
      const result = await attempt(db, claim, limits, way);
      if (result) return { ...result, way };
    }
    return notMade(claim);
  } catch (error) {
    if (isRefusedCredential(error)) return { kind: 'unauthenticated' };
    throw error;
  }
}

/**
 * Returns the ways for a claim, the cheapest first. One that does not suit the caller's limits
 * inserts nothing; the last suits all. None is meant where nobody has limits.
 */
function waysFor(claim: TurnClaim): readonly (Way | undefined)[] {
  const { reservation } = claim;
  if (!reservation) return [undefined];
  const ways = WAYS.slice(WAYS.indexOf(reservation.firstWay));
  // What is granted at once is reckoned before anything is taken over from an earlier turn.
  return inherited(claim).length === 0 ? ways : ways.filter((way) => way !== 'grant');
}

function insertBy(way: Way | undefined, claim: TurnClaim, placement: Placement): Statement[] {
  const { reservation, instanceId, create } = claim;
  if (!reservation || !way) return [insertPlain(claim, placement), ...inherited(claim)];
  if (way === 'reserve')
    return [
      insertPlain(claim, placement),
      ...inherited(claim),
      ...reserve(reservation, { instanceId, created: create?.id }),
    ];
  const insert =
    way === 'grant'
      ? insertGranted(claim, placement, reservation)
      : insertUnlimited(claim, placement, reservation.keyId);
  return [insert, ...inherited(claim), ...(create ? [dropUnused(create.id)] : [])];
}

/**
 * Makes a claim in one batch.
 * @returns what became of it; undefined when it was not made although nothing stands in its way
 */
async function attempt(
  db: Database,
  claim: TurnClaim,
  limits: ClaimLimits,
  way: Way | undefined,
): Promise<ClaimResult | undefined> {
  const placement = placementOf(claim.input, {
    id: claim.assistantMessageId,
    clientId: claim.answerClientId,
  });
  const before = [
    ...(confirmedByInsertion(claim) ? [] : confirmClaim(claim)),
    ...(claim.create ? [insertConversation(claim, claim.create)] : []),
  ];
  const statements = [
    ...before,
    ...insertBy(way, claim, placement),
    ...(claim.steering ? [steer(claim, limits)] : []),
    ...remembered(claim),
    ...bindClaim(claim, turnOf(claim)),
    insertMessages(claim, placement),
    updateConversation(claim, placement),
    ...placement.more,
    ...attached(claim),
    ...(claim.steering ? [selectSteered(claim)] : []),
    selectClaimResult(claim, placement, { ...limits, isGranted: way === 'grant' }),
  ];
  const results = await db.batch(statements, 'write-unflushed');
  const reserved = reservedBy(way, claim, results, before.length);
  const result = toldOf(claim, results.at(-1)?.rows[0], reserved);
  if (result?.kind === 'not_found' && isDropped(claim, way, results[before.length - 1]))
    return undefined;
  const isInTheWay = result?.kind === 'busy' || result?.kind === 'repeated';
  if (!claim.steering || !isInTheWay) return result;
  return steeredFrom(results.at(-2)?.rows[0]) ?? result;
}

/**
 * Returns true where the conversation that a claim creates was made, and dropped since its turn was
 * not inserted.
 */
function isDropped({ create }: TurnClaim, way: Way | undefined, made?: ResultSet): boolean {
  return create !== undefined && way !== 'reserve' && made?.rowsAffected === 1;
}

/** Returns what was reserved. @param before the number of statements before the turn's insertion */
function reservedBy(
  way: Way | undefined,
  claim: TurnClaim,
  results: readonly ResultSet[],
  before: number,
): Reserved | undefined {
  const inserted = before + 1 + inherited(claim).length;
  if (way === 'reserve') return reservedFrom(results[inserted + RESERVE_RESULT]);
  const { reservation } = claim;
  const row = results.at(-1)?.rows[0];
  const isGranted = way === 'grant' && reservation && row && row['sequence_number'] !== null;
  return isGranted ? grantedFrom(text(row['budget']), reservation) : undefined;
}

/**
 * Returns what a claim takes over from an earlier turn: nothing, for a message that begins anew.
 */
function inherited(claim: TurnClaim): Statement[] {
  if (claim.input.kind === 'regenerate') return repeatParameters(claim);
  const { answers, parentId = null } = claim.input;
  return answers ? inheritFromCaller(claim, parentId) : [];
}

/**
 * Returns the statements that note the files of a claim's message: of the message itself, or of the
 * answer that it steers.
 */
export function attached({ input, conversationId }: TurnClaim): Statement[] {
  return input.kind === 'message' ? noteFiles({ ...input, conversationId }) : [];
}

// The statements are made once: a connection to a file finds what it has prepared by their text.

const insertConversationWhere = (conditions: string) =>
  `INSERT INTO conversations (id, user_id, title, mode, model, instructions, client_id, is_temporary, created_at, updated_at)
  SELECT ?, ?, ?, ?, ?, ?, ?, ?, ${NOW}, ${NOW} WHERE ${IS_NEW} ${conditions} ON CONFLICT DO NOTHING`;

const UNLESS_ASKED = `AND NOT EXISTS (SELECT 1 FROM messages q JOIN conversations k ON k.id = q.conversation_id
      WHERE q.history_hash = ? AND k.user_id = ? AND k.is_temporary = ?)`;

/** The statement, for any caller and for one whose credential it confirms. */
const INSERT_CONVERSATION = {
  forAnyone: {
    always: insertConversationWhere(''),
    unlessAsked: insertConversationWhere(UNLESS_ASKED),
  },
  confirming: {
    always: insertConversationWhere(IS_HELD),
    unlessAsked: insertConversationWhere(`${IS_HELD} ${UNLESS_ASKED}`),
  },
};

function insertConversation(claim: TurnClaim, create: NewConversation): Statement {
  const { userId, isTemporary, unlessAsked } = create;
  const proof = confirmedByInsertion(claim);
  const forms = proof ? INSERT_CONVERSATION.confirming : INSERT_CONVERSATION.forAnyone;
  return {
    sql: unlessAsked === undefined ? forms.always : forms.unlessAsked,
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
      ...(proof ? heldArgs(proof) : []),
      ...(unlessAsked === undefined ? [] : [unlessAsked, userId, isTemporary ? 1 : 0]),
    ],
  };
}

function remembered(claim: TurnClaim): Statement[] {
  const { idempotency } = claim;
  return idempotency && !idempotency.isForUnread ? [rememberKey(idempotency, turnOf(claim))] : [];
}

/** Returns the query for the turn of a claim that was made, or that its message steers. */
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
