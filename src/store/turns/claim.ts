/**
 * Accepting a turn: one batch that checks ownership, takes the conversation's only place for a running turn, stores the user's message and the empty answer,
 * and reads what to send to the model. Whatever it says afterwards is a verdict read inside the same transaction.
 */
import type { Conversation, NewConversation } from '../../core/conversation.ts';
import type { ContextMessage } from '../../core/context.ts';
import { contentOf, decodeParts, encodeParts, type Part } from '../../core/parts.ts';
import { NOW, type Database, type Statement } from '../database.ts';
import {
  KEY_LIFETIME_MS,
  KNOWN_RESOURCE,
  rememberKey,
  releaseKey,
  type Key,
} from '../idempotency-keys.ts';
import {
  CONVERSATION_COLUMNS,
  conversationFrom,
  number,
  optionalNumber,
  optionalText,
  text,
  type Row,
} from '../rows.ts';

export interface TurnClaim {
  turnId: string;
  userMessageId: string;
  assistantMessageId: string;
  /** The instance that will run it. */
  instanceId: string;
  conversationId: string;
  /** Who asks; null where the conversation's id alone suffices. */
  userId: string | null;
  /** Set when the turn begins a conversation. */
  create?: NewConversation;
  text: string;
  textTokens: number;
  /** The title the conversation gets if it has none yet. */
  title: string | null;
  /** The model to record; null: the conversation's, else `defaultModel`. */
  model: string | null;
  defaultModel: string;
  idempotency?: Key;
}

export interface ClaimLimits {
  leaseMs: number;
  /** How many messages of the history to read, the new one included. */
  windowMessages: number;
}

export type ClaimResult =
  | {
      kind: 'accepted';
      conversation: Conversation;
      sequenceNumber: number;
      acceptedAt: number;
      model: string;
      history: ContextMessage[];
      /** Whether the user has documents or other conversations that a tool could search. */
      hasSearchableContent: boolean;
    }
  | { kind: 'busy'; turnId: string; text: string; leaseLeftMs: number }
  | { kind: 'repeated'; turnId: string; conversationId: string }
  | { kind: 'key_reused' }
  | { kind: 'not_found' };

/** Takes the turn or says why not; safe to repeat with the same ids. Nobody may be told of it before a `flush`. */
export async function claimTurn(
  db: Database,
  claim: TurnClaim,
  limits: ClaimLimits,
): Promise<ClaimResult> {
  const statements = [
    ...(claim.create ? [insertConversation(claim, claim.create)] : []),
    insertTurn(claim),
    ...(claim.idempotency ? [rememberKey(claim.idempotency, turnOf(claim))] : []),
    insertMessages(claim),
    updateConversation(claim),
    selectVerdict(claim, limits),
  ];
  const results = await db.batch(statements, 'write-unflushed');
  return verdictFrom(claim, results.at(-1)?.rows[0]);
}

// The statements are texts that are made once: a connection to a file finds what it has prepared by them.

/** Of a claim that may be accepted: its key is not known, and it was not taken back before it arrived. */
const IS_NEW = `NOT EXISTS (${KNOWN_RESOURCE}) AND NOT EXISTS (${KNOWN_RESOURCE})`;

function newArgs(claim: TurnClaim): string[] {
  const { scope, key } = releaseKey(claim.turnId);
  return [...keyArgs(claim), scope, key];
}

/** The arguments of a statement that looks for the claim's key. */
export function keyArgs({ idempotency }: TurnClaim): string[] {
  return [idempotency?.scope ?? '', idempotency?.key ?? ''];
}

const INSERT_CONVERSATION = `INSERT INTO conversations (id, user_id, title, mode, model, instructions, message_count, created_at, updated_at)
  SELECT ?, ?, ?, ?, ?, ?, 0, ${NOW}, ${NOW} WHERE ${IS_NEW} ON CONFLICT DO NOTHING`;

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

const INSERT_TURN = `INSERT INTO turns (id, conversation_id, owner_id, state, sequence_number, user_message_id, assistant_message_id, model, created, heartbeat_at, started_at)
  SELECT ?, c.id, ?, 'running', c.message_count + 2, ?, ?, coalesce(?, c.model, ?), ?, ${NOW}, ${NOW}
  FROM conversations c WHERE c.id = ? AND (? IS NULL OR c.user_id = ?) AND ${IS_NEW}
  ON CONFLICT DO NOTHING`;

function insertTurn(claim: TurnClaim): Statement {
  return {
    sql: INSERT_TURN,
    args: [
      claim.turnId,
      claim.instanceId,
      claim.userMessageId,
      claim.assistantMessageId,
      claim.model,
      claim.defaultModel,
      claim.create ? 1 : 0,
      claim.conversationId,
      claim.userId,
      claim.userId,
      ...newArgs(claim),
    ],
  };
}

function turnOf({ turnId }: TurnClaim): Statement {
  return { sql: 'SELECT id FROM turns WHERE id = ?', args: [turnId] };
}

/** The claim that this batch has just made and whose messages are not stored yet: false when the batch is repeated. */
const NEW_CLAIM = `turns t JOIN conversations c ON c.id = t.conversation_id WHERE t.id = ? AND c.message_count = t.sequence_number - 2`;

const INSERT_MESSAGES = `INSERT INTO messages (id, conversation_id, turn_id, role, status, sequence_number, parts, text_length, model, output_tokens, tokens_estimated, created_at)
  SELECT new.id, t.conversation_id, t.id, new.role, new.status, t.sequence_number + new.step, new.parts, new.text_length,
    CASE new.role WHEN 'assistant' THEN t.model END, new.tokens, 1, t.started_at
  FROM (SELECT ? AS id, 'user' AS role, 'complete' AS status, -1 AS step, ? AS parts, ? AS text_length, ? AS tokens
    UNION ALL SELECT ?, 'assistant', 'streaming', 0, '', 0, NULL) AS new, ${NEW_CLAIM}`;

function insertMessages(claim: TurnClaim): Statement {
  return {
    sql: INSERT_MESSAGES,
    args: [
      claim.userMessageId,
      encodeParts([{ type: 'text', text: claim.text }]),
      claim.text.length,
      claim.textTokens,
      claim.assistantMessageId,
      claim.turnId,
    ],
  };
}

const UPDATE_CONVERSATION = `UPDATE conversations SET message_count = message_count + 2, title = coalesce(title, ?), updated_at = ${NOW}
  WHERE id = ? AND EXISTS (SELECT 1 FROM turns t WHERE t.id = ? AND t.conversation_id = conversations.id
    AND t.sequence_number = conversations.message_count + 2)`;

function updateConversation(claim: TurnClaim): Statement {
  return {
    sql: UPDATE_CONVERSATION,
    args: [claim.title, claim.conversationId, claim.turnId],
  };
}

/**
 * The newest messages a model may see, in one value, see {@link historyFrom}: failed and empty answers are left out, uncounted. In any order: `sqld` knows no ORDER BY within an
 * aggregate. What a row says beside its parts is one number, since joining short texts is what costs here.
 */
const HISTORY = `SELECT group_concat((sequence_number * 2 + (role = 'user')) || ',' || parts, '],[')
  FROM (SELECT m.sequence_number, m.role, m.parts FROM messages m
    WHERE m.conversation_id = c.id AND (m.role = 'user' OR (m.status NOT IN ('failed', 'streaming') AND m.text_length > 0))
    ORDER BY m.sequence_number DESC LIMIT ?)`;

const SELECT_VERDICT = `SELECT ${CONVERSATION_COLUMNS}, mine.sequence_number AS sequence_number, mine.started_at, mine.model AS turn_model,
    CASE WHEN mine.id IS NOT NULL THEN (${HISTORY}) END AS history,
    EXISTS (SELECT 1 FROM conversations o WHERE o.user_id = c.user_id AND o.id <> c.id)
      OR EXISTS (SELECT 1 FROM documents d WHERE d.user_id = c.user_id) AS has_material,
    running.id AS running_id, running.heartbeat_at + ? - ${NOW} AS lease_left, asked.parts AS running_parts,
    k.resource_id AS known_turn, k.fingerprint AS known_fingerprint, known.conversation_id AS known_conversation
  FROM (SELECT 1)
  LEFT JOIN conversations c ON c.id = ? AND (? IS NULL OR c.user_id = ?)
  LEFT JOIN turns mine ON mine.id = ? AND mine.state = 'running' AND mine.owner_id = ?
  LEFT JOIN turns running ON running.conversation_id = c.id AND running.state = 'running'
  LEFT JOIN messages asked ON asked.id = running.user_message_id
  LEFT JOIN idempotency_keys k ON k.scope = ? AND k.key = ? AND k.created_at > ${NOW} - ${KEY_LIFETIME_MS}
  LEFT JOIN turns known ON known.id = k.resource_id`;

function selectVerdict(claim: TurnClaim, { leaseMs, windowMessages }: ClaimLimits): Statement {
  return {
    sql: SELECT_VERDICT,
    args: [
      windowMessages,
      leaseMs,
      claim.conversationId,
      claim.userId,
      claim.userId,
      claim.turnId,
      claim.instanceId,
      ...keyArgs(claim),
    ],
  };
}

function verdictFrom(claim: TurnClaim, row: Row | undefined): ClaimResult {
  const sequenceNumber = optionalNumber(row?.['sequence_number']);
  if (row && sequenceNumber !== null) {
    return {
      kind: 'accepted',
      conversation: conversationFrom(row),
      sequenceNumber,
      acceptedAt: number(row['started_at']),
      model: text(row['turn_model']),
      hasSearchableContent: row['has_material'] === 1,
      history: historyFrom(text(row['history'])),
    };
  }
  const knownTurn = optionalText(row?.['known_turn']);
  if (knownTurn !== null) {
    if (row?.['known_fingerprint'] !== claim.idempotency?.fingerprint)
      return { kind: 'key_reused' };
    const conversationId = optionalText(row?.['known_conversation']);
    // What the first request made has been deleted since.
    if (conversationId === null) return { kind: 'not_found' };
    return { kind: 'repeated', turnId: knownTurn, conversationId };
  }
  const runningId = optionalText(row?.['running_id']);
  if (!row || runningId === null) return { kind: 'not_found' };
  const asked = contentOf(decodeParts(text(row['running_parts'])));
  return { kind: 'busy', turnId: runningId, text: asked, leaseLeftMs: number(row['lease_left']) };
}

/**
 * Each message is a list: twice its sequence number, one more for the user's, then its parts. Those are stored as lines of JSON, in which a line break is never raw and `encodeParts` alone
 * writes: with commas for line breaks they are one JSON.
 */
function historyFrom(stored: string): ContextMessage[] {
  const messages = JSON.parse(`[[${stored.replaceAll('\n', ',')}]]`) as [number, ...Part[]][];
  return messages
    .toSorted(([a], [b]) => a - b)
    .map(([place, ...parts]) => ({
      role: place % 2 === 1 ? 'user' : 'assistant',
      text: contentOf(parts),
    }));
}
