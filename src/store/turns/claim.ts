/**
 * Accepts a turn: one batch checks ownership, takes the conversation's only place for a running
 * turn, stores the user's message and the empty answer, and reads what to send to the model. The
 * result is read inside the same transaction.
 */
import type { ContextMessage } from '../../core/context.ts';
import type { Conversation, NewConversation } from '../../core/conversation.ts';
import type { LearnedRatio } from '../../core/token-correction.ts';
import type { Siblings } from '../../core/message.ts';
import { contentOf, decodeParts, type Part } from '../../core/parts.ts';
import type { Principal } from '../../core/principal.ts';
import { NOW, type Database, type Statement } from '../database.ts';
import {
  KEY_LIFETIME_MS,
  KNOWN_RESOURCE,
  releaseKey,
  rememberKey,
  type Key,
} from '../idempotency-keys.ts';
import { isOwned, ownerArgs } from '../ownership.ts';
import {
  CONVERSATION_COLUMNS,
  conversationFrom,
  number,
  optionalNumber,
  optionalText,
  text,
  type Row,
} from '../rows.ts';
import { placementOf, type ClaimInput, type Placement } from './placement.ts';

export interface TurnClaim {
  turnId: string;
  assistantMessageId: string;
  /** The instance that will run it. */
  instanceId: string;
  conversationId: string;
  principal: Principal;
  /** Set when the turn begins a conversation. */
  create?: NewConversation;
  input: ClaimInput;
  /** The title the conversation gets if it has none yet. */
  title: string | null;
  /** The model to record; null: the conversation's, else `defaultModel`. */
  model: string | null;
  defaultModel: string;
  idempotency?: Key;
}

export interface ClaimLimits {
  leaseMs: number;
  /** The number of messages of the history to read, the prompt included. */
  windowMessages: number;
}

export type ClaimResult =
  | {
      kind: 'accepted';
      conversation: Conversation;
      sequenceNumber: number;
      acceptedAt: number;
      model: string;
      prompt: AcceptedPrompt;
      /** The place of the answer among those to the same message. */
      siblings: Siblings;
      history: ContextMessage[];
      /** The accuracy of our estimates, as the answer before the prompt showed it. */
      learned: LearnedRatio | undefined;
      /** True when the user has documents or other conversations that a tool could search. */
      hasSearchableContent: boolean;
    }
  | { kind: 'busy'; turnId: string; text: string; leaseLeftMs: number }
  | { kind: 'repeated'; turnId: string; conversationId: string }
  | { kind: 'key_reused' }
  /** The message that the input names is not there, or is of the wrong role. */
  | { kind: 'message_not_found' }
  | { kind: 'not_an_answer' }
  | { kind: 'not_found' };

/** The message that is answered, as it is stored. */
export interface AcceptedPrompt {
  sequenceNumber: number;
  parentId: string | null;
  siblings: Siblings;
}

/**
 * Takes the turn or says why not; safe to repeat with the same ids. Nobody may be told of it before
 * a `flush`.
 */
export async function claimTurn(
  db: Database,
  claim: TurnClaim,
  limits: ClaimLimits,
): Promise<ClaimResult> {
  const placement = placementOf(claim.input, claim.assistantMessageId);
  const statements = [
    ...(claim.create ? [insertConversation(claim, claim.create)] : []),
    insertTurn(claim, placement),
    ...(claim.idempotency ? [rememberKey(claim.idempotency, turnOf(claim))] : []),
    insertMessages(claim, placement),
    updateConversation(claim, placement),
    ...placement.more,
    selectResult(claim, placement, limits),
  ];
  const results = await db.batch(statements, 'write-unflushed');
  return resultFrom(claim, results.at(-1)?.rows[0]);
}

// The statements are made once: a connection to a file finds what it has prepared by their text.

/** True for a new claim: its key is not known, and it was not released before it arrived. */
const IS_NEW = `NOT EXISTS (${KNOWN_RESOURCE}) AND NOT EXISTS (${KNOWN_RESOURCE})`;

function newArgs(claim: TurnClaim): string[] {
  const { scope, key } = releaseKey(claim.turnId);
  return [...keyArgs(claim), scope, key];
}

/** Returns the arguments of a statement that looks for the claim's key. */
export function keyArgs({ idempotency }: TurnClaim): string[] {
  return [idempotency?.scope ?? '', idempotency?.key ?? ''];
}

const INSERT_CONVERSATION = `INSERT INTO conversations (id, user_id, title, mode, model, instructions, created_at, updated_at)
  SELECT ?, ?, ?, ?, ?, ?, ${NOW}, ${NOW} WHERE ${IS_NEW} ON CONFLICT DO NOTHING`;

function insertConversation(claim: TurnClaim, create: NewConversation): Statement {
  return {
    sql: INSERT_CONVERSATION,
    args: [
      create.id,
      create.userId,
      create.title,
      create.mode,
      create.model,
      create.instructions,
      ...newArgs(claim),
    ],
  };
}

function insertTurn(claim: TurnClaim, placement: Placement): Statement {
  return {
    sql: placement.insertTurn,
    args: [
      claim.turnId,
      claim.instanceId,
      placement.promptId,
      claim.assistantMessageId,
      claim.model,
      claim.defaultModel,
      claim.create ? 1 : 0,
      claim.conversationId,
      ...ownerArgs(claim.principal),
      ...newArgs(claim),
      ...placement.conditionArgs,
    ],
  };
}

function turnOf({ turnId }: TurnClaim): Statement {
  return { sql: 'SELECT id FROM turns WHERE id = ?', args: [turnId] };
}

function insertMessages(claim: TurnClaim, placement: Placement): Statement {
  return {
    sql: placement.insertMessages,
    args: [...placement.messageArgs, claim.turnId],
  };
}

function updateConversation(claim: TurnClaim, placement: Placement): Statement {
  const { title, conversationId, turnId } = claim;
  return {
    sql: placement.updateConversation,
    args: [claim.assistantMessageId, ...placement.lengthArgs, title, conversationId, turnId],
  };
}

/** Steps up the tree when a history is read: a bound for paths on which hardly a message counts. */
const LONGEST_CLIMB = 1_000;

/**
 * True for a message that a model may see. Failed and empty answers and refused questions are left
 * out, and do not count.
 */
const COUNTS = `CASE m.role WHEN 'user' THEN m.is_refused = 0
  ELSE m.status NOT IN ('failed', 'streaming') AND m.text_length > 0 END`;

/**
 * The newest messages on the path up from the prompt, in one value that {@link historyFrom} reads.
 * They are in any order, since `sqld` knows no ORDER BY within an aggregate. Each row has one
 * number beside its parts, since joining short texts is the main cost. The climb itself carries no
 * texts.
 */
const HISTORY = `WITH RECURSIVE path (at, parent_id, steps, seen, counts) AS (
    SELECT m.rowid, m.parent_id, 1, 1, 1 FROM messages m WHERE m.id = ?
    UNION ALL
    SELECT m.rowid, m.parent_id, path.steps + 1, path.seen + (${COUNTS}), (${COUNTS})
      FROM path JOIN messages m ON m.id = path.parent_id
      WHERE path.seen < ? AND path.steps < ${LONGEST_CLIMB})
  SELECT group_concat((m.sequence_number * 2 + (m.role = 'user')) || ',' || m.parts, '],[')
    FROM path JOIN messages m ON m.rowid = path.at WHERE path.counts`;

/**
 * Counts the messages after a parent. In a conversation that is one line each message has one after
 * it, and none is counted.
 * @param parent the condition on `s.parent_id`, and any further one on the messages `s`
 */
function countAfter(parent: string): string {
  return `CASE WHEN c.message_count = c.last_sequence_number THEN 1 ELSE (SELECT count(*) FROM messages s
    WHERE s.conversation_id = c.id AND s.parent_id ${parent}) END`;
}

const SELECT_RESULT = `SELECT ${CONVERSATION_COLUMNS}, mine.sequence_number AS sequence_number, mine.started_at, mine.model AS turn_model,
    CASE WHEN mine.id IS NOT NULL THEN (${HISTORY}) END AS history,
    prompt.sequence_number AS prompt_sequence_number, prompt.parent_id AS prompt_parent_id,
    ${countAfter('IS prompt.parent_id')} AS prompt_siblings,
    ${countAfter('IS prompt.parent_id AND s.sequence_number <= prompt.sequence_number')} AS prompt_index,
    ${countAfter('= prompt.id')} AS answers,
    EXISTS (SELECT 1 FROM conversations o WHERE o.user_id = c.user_id AND o.id <> c.id)
      OR EXISTS (SELECT 1 FROM documents d WHERE d.user_id = c.user_id) AS has_searchable_content,
    running.id AS running_id, running.heartbeat_at + ? - ${NOW} AS lease_left, asked.parts AS running_parts,
    k.resource_id AS known_turn, k.fingerprint AS known_fingerprint, known.conversation_id AS known_conversation,
    named.role AS named_role, last.token_ratio, last.model AS last_model
  FROM (SELECT 1)
  LEFT JOIN conversations c ON c.id = ? AND ${isOwned('c.user_id')}
  LEFT JOIN turns mine ON mine.id = ? AND mine.state = 'running' AND mine.instance_id = ?
  LEFT JOIN messages prompt ON prompt.id = mine.prompt_message_id
  LEFT JOIN messages last ON last.id = prompt.parent_id
  LEFT JOIN turns running ON running.conversation_id = c.id AND running.state = 'running'
  LEFT JOIN messages asked ON asked.id = running.prompt_message_id
  LEFT JOIN idempotency_keys k ON k.scope = ? AND k.key = ? AND k.created_at > ${NOW} - ${KEY_LIFETIME_MS}
  LEFT JOIN turns known ON known.id = k.resource_id
  LEFT JOIN messages named ON named.id = ? AND named.conversation_id = c.id`;

function selectResult(
  claim: TurnClaim,
  { promptId, namedId }: Placement,
  { leaseMs, windowMessages }: ClaimLimits,
): Statement {
  return {
    sql: SELECT_RESULT,
    args: [
      promptId,
      windowMessages,
      leaseMs,
      claim.conversationId,
      ...ownerArgs(claim.principal),
      claim.turnId,
      claim.instanceId,
      ...keyArgs(claim),
      namedId,
    ],
  };
}

function resultFrom(claim: TurnClaim, row: Row | undefined): ClaimResult {
  if (!row) return { kind: 'not_found' };
  const sequenceNumber = optionalNumber(row['sequence_number']);
  if (sequenceNumber !== null) return acceptedFrom(row, sequenceNumber);
  const knownTurn = optionalText(row['known_turn']);
  if (knownTurn !== null) return repeatedFrom(claim, row, knownTurn);
  if (optionalText(row['id']) === null) return { kind: 'not_found' };
  const named = namedMistake(claim.input, optionalText(row['named_role']));
  if (named) return named;
  const runningId = optionalText(row['running_id']);
  // The claim was not made and nothing stands in its way: it was released before it arrived.
  if (runningId === null) return { kind: 'not_found' };
  const asked = contentOf(decodeParts(optionalText(row['running_parts']) ?? ''));
  return { kind: 'busy', turnId: runningId, text: asked, leaseLeftMs: number(row['lease_left']) };
}

function acceptedFrom(row: Row, sequenceNumber: number): ClaimResult {
  const answers = number(row['answers']);
  return {
    kind: 'accepted',
    conversation: conversationFrom(row),
    sequenceNumber,
    acceptedAt: number(row['started_at']),
    model: text(row['turn_model']),
    prompt: {
      sequenceNumber: number(row['prompt_sequence_number']),
      parentId: optionalText(row['prompt_parent_id']),
      siblings: { index: number(row['prompt_index']), count: number(row['prompt_siblings']) },
    },
    siblings: { index: answers, count: answers },
    hasSearchableContent: row['has_searchable_content'] === 1,
    history: historyFrom(text(row['history'])),
    learned: learnedFrom(row),
  };
}

function learnedFrom(row: Row): LearnedRatio | undefined {
  const ratio = optionalNumber(row['token_ratio']);
  return ratio === null ? undefined : { model: text(row['last_model']), ratio };
}

function repeatedFrom(claim: TurnClaim, row: Row, turnId: string): ClaimResult {
  if (row['known_fingerprint'] !== claim.idempotency?.fingerprint) return { kind: 'key_reused' };
  const conversationId = optionalText(row['known_conversation']);
  // What the first request made has been deleted since.
  if (conversationId === null) return { kind: 'not_found' };
  return { kind: 'repeated', turnId, conversationId };
}

function namedMistake(input: ClaimInput, role: string | null): ClaimResult | undefined {
  if (input.kind === 'message' && typeof input.parentId !== 'string') return undefined;
  if (role === null) return { kind: 'message_not_found' };
  if (input.kind === 'message' && role === 'user' && !input.parentMayBeQuestion)
    return { kind: 'not_an_answer' };
  return undefined;
}

/**
 * Reads the history. Each message is a list: twice its sequence number, plus one for the user's,
 * then its parts. Parts are stored as lines of JSON, which only `encodeParts` writes and which hold
 * no raw line break. With commas in place of the line breaks they are one JSON text.
 */
function historyFrom(stored: string): ContextMessage[] {
  const messages = JSON.parse(`[[${stored.replaceAll('\n', ',')}]]`) as [number, ...Part[]][];
  return messages
    .toSorted(([a], [b]) => a - b)
    .map(([place, ...parts]) => ({ role: place % 2 === 1 ? 'user' : 'assistant', parts }));
}
