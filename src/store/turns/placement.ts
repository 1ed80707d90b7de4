/**
 * Places the messages of a new turn in the tree of its conversation: the parts of the claim's SQL
 * that differ. Each form has statements of its own, so that a turn at the end of a line pays for no
 * other.
 */
import { encodeParts, type Part } from '../../core/parts.ts';
import type { Answers } from '../../core/tool-calls.ts';
import { NOW, type Statement } from '../database.ts';
import type { TurnClaim } from './claim.ts';
import { CALLER, CALLS_WAIT } from './continue-calls.ts';
import { insertTurn, type InsertTurn } from './insert-turn.ts';
import { IS_AS_REMEMBERED, rememberedArgs, type Remembered } from './remembered.ts';

/** The request of a claim: a new message of the user's, or another answer to a stored one. */
export type ClaimInput =
  | {
      kind: 'message';
      messageId: string;
      parts: Part[];
      /** UTF-16 units of its text, and about how many tokens it is. */
      textLength: number;
      tokens: number;
      /** Undefined: at the end of the active path; null: a new beginning. */
      parentId: string | null | undefined;
      /**
       * The calls that it answers of the answer before it; undefined for a message that only says
       * something.
       */
      answers?: Answers | undefined;
      /** A message that is edited stands beside the old one, whatever that follows. */
      parentMayBeQuestion: boolean;
      /** The name that the client gives the message. */
      clientId: string | null;
      /** The hash of the history that the client sent with it. */
      historyHash: string | null;
      /** The answer that it follows, where that is only remembered. */
      after?: Remembered;
    }
  | { kind: 'regenerate'; promptId: string; historyHash?: string | undefined };

export interface Placement {
  insertTurn: InsertTurn;
  insertMessages: string;
  updateConversation: string;
  /** The message that is answered. */
  promptId: string;
  /** A message that must be in the conversation; null where the input names none. */
  namedId: string | null;
  /** Arguments of the further condition on the claim, of the messages, and of the path's length. */
  conditionArgs: (string | number | null)[];
  messageArgs: (string | number | null)[];
  lengthArgs: string[];
  /** Statements that this form needs besides. */
  more: Statement[];
}

/** The answer that a claim makes, by its own id and by the name that the client gives it. */
interface NewAnswer {
  id: string;
  clientId: string | null;
}

/** Returns where the messages of a claim go. */
export function placementOf(input: ClaimInput, answer: NewAnswer): Placement {
  if (input.kind === 'regenerate') return besideAnswers(input.promptId, answer);
  const { messageId, parts, parentId, parentMayBeQuestion } = input;
  const { textLength, tokens, clientId, historyHash } = input;
  const stored = [messageId, encodeParts(parts), textLength, tokens, clientId, historyHash];
  const messageArgs = [...stored, answer.id, answer.clientId];
  const plain = { promptId: messageId, namedId: null, conditionArgs: [], messageArgs, more: [] };
  if (input.answers) return afterCalls(input, input.answers, answer.id, messageArgs);
  if (parentId === undefined) return { ...plain, ...AT_HEAD, lengthArgs: [] };
  if (parentId === null) return { ...plain, ...AT_ROOT, lengthArgs: [] };
  return {
    ...plain,
    ...AFTER_PARENT,
    ...(input.after && { insertTurn: AFTER_REMEMBERED }),
    namedId: parentId,
    conditionArgs: [parentId, parentMayBeQuestion ? 1 : 0, ...rememberedArgs(input)],
    messageArgs: [parentId, parentId, ...messageArgs],
    lengthArgs: [answer.id],
  };
}

/**
 * Returns where the messages of a claim go that follows a turn, in the batch that ends that one.
 */
export function following(
  {
    input,
    assistantMessageId: id,
    answerClientId: clientId,
  }: Pick<TurnClaim, 'input' | 'assistantMessageId' | 'answerClientId'>,
  previousTurnId: string,
): Placement {
  const placement = placementOf(input, { id, clientId });
  return { ...placement, insertTurn: AFTER_TURN, conditionArgs: [previousTurnId] };
}

function afterCalls(
  input: Extract<ClaimInput, { kind: 'message' }>,
  { calls, approvals }: Answers,
  answerId: string,
  messageArgs: (string | number | null)[],
): Placement {
  const { messageId, parentId = null } = input;
  const waiting = [parentId, JSON.stringify(calls), JSON.stringify(approvals)];
  return {
    ...AFTER_CALLS,
    ...(input.after && { insertTurn: AFTER_REMEMBERED_CALLS }),
    promptId: messageId,
    namedId: parentId,
    conditionArgs: [...waiting, ...rememberedArgs(input)],
    messageArgs: [parentId, parentId, ...messageArgs],
    lengthArgs: [answerId],
    more: [],
  };
}

function besideAnswers(promptId: string, { id, clientId }: NewAnswer): Placement {
  return {
    ...BESIDE_ANSWERS,
    promptId,
    namedId: promptId,
    conditionArgs: [promptId],
    messageArgs: [id, clientId],
    lengthArgs: [id],
    // A question that is asked again, perhaps of another model, does not count as refused until
    // that model refuses it, too.
    more: [{ sql: FORGIVE_PROMPT, args: [promptId, id] }],
  };
}

/** Runs only for an accepted claim: one that repeats another, or was refused, changes nothing. */
const FORGIVE_PROMPT = `UPDATE messages SET is_refused = 0 WHERE id = ? AND is_refused = 1
  AND EXISTS (SELECT 1 FROM messages a JOIN turns t ON t.id = a.turn_id WHERE a.id = ? AND t.state = 'running')`;

const INSERT = `INSERT INTO messages (id, conversation_id, turn_id, role, status, sequence_number, parent_id, depth, parts, text_length, model, output_tokens, tokens_estimated, client_id, history_hash, created_at)`;

const DEPTH_OF_ANSWER = '(SELECT depth FROM messages WHERE id = ?)';

/** At the end of the active path. */
const AT_HEAD = {
  insertTurn: insertTurn(2),
  insertMessages: insertMessages('c.head_message_id', 'c.message_count'),
  updateConversation: updateConversation(2, 'message_count + 2'),
};

/** At the end of the active path, once a turn that was there has ended. */
const AFTER_TURN = insertTurn(
  2,
  `AND EXISTS (SELECT 1 FROM turns b WHERE b.id = ? AND b.conversation_id = c.id AND b.state = 'ended')`,
);

/** A new beginning, beside the first message. */
const AT_ROOT = {
  insertTurn: insertTurn(2),
  insertMessages: insertMessages('NULL', '0'),
  updateConversation: updateConversation(2, '2'),
};

const PARENT_IS_THERE = `AND EXISTS (SELECT 1 FROM messages p WHERE p.id = ? AND p.conversation_id = c.id AND (p.role = 'assistant' OR ?))`;

/** After a message that is named: a branch, or the end of the path after all. */
const AFTER_PARENT = {
  insertTurn: insertTurn(2, PARENT_IS_THERE),
  insertMessages: insertMessages('?', '(SELECT p.depth FROM messages p WHERE p.id = ?)'),
  updateConversation: updateConversation(2, DEPTH_OF_ANSWER),
};

/** After an answer that waits for results of its calls. */
const AFTER_CALLS = {
  insertTurn: insertTurn(2, CALLS_WAIT),
  insertMessages: insertMessages(CALLER, `(SELECT p.depth FROM messages p WHERE p.id = ${CALLER})`),
  updateConversation: updateConversation(2, DEPTH_OF_ANSWER),
};

/** The same after an answer that was remembered. */
const AFTER_REMEMBERED = insertTurn(2, PARENT_IS_THERE + IS_AS_REMEMBERED);
const AFTER_REMEMBERED_CALLS = insertTurn(2, CALLS_WAIT + IS_AS_REMEMBERED);

/** Another answer to a message that is stored. */
const BESIDE_ANSWERS = {
  insertTurn: insertTurn(
    1,
    `AND EXISTS (SELECT 1 FROM messages p WHERE p.id = ? AND p.conversation_id = c.id AND p.role = 'user')`,
  ),
  insertMessages: insertAnswer(),
  updateConversation: updateConversation(1, DEPTH_OF_ANSWER),
};

/**
 * The claim that this batch has just made, whose messages are not stored yet. A repeated batch
 * finds none.
 */
function newClaim(added: 1 | 2): string {
  return `turns t JOIN conversations c ON c.id = t.conversation_id
    WHERE t.id = ? AND c.last_sequence_number = t.sequence_number - ${added}`;
}

/** @param parent of the user's message @param depth of that parent */
function insertMessages(parent: string, depth: string): string {
  return `${INSERT}
    SELECT new.id, t.conversation_id, t.id, new.role, new.status, t.sequence_number + new.step,
      CASE new.role WHEN 'user' THEN ${parent} ELSE t.prompt_message_id END, ${depth} + 2 + new.step,
      new.parts, new.text_length, CASE new.role WHEN 'assistant' THEN t.model END, new.tokens, 1, new.client_id, new.history_hash, t.started_at
    FROM (SELECT ? AS id, 'user' AS role, 'complete' AS status, -1 AS step, ? AS parts, ? AS text_length, ? AS tokens, ? AS client_id, ? AS history_hash
      UNION ALL SELECT ?, 'assistant', 'streaming', 0, '', 0, NULL, ?, NULL) AS new, ${newClaim(2)}`;
}

function insertAnswer(): string {
  return `${INSERT}
    SELECT ?, t.conversation_id, t.id, 'assistant', 'streaming', t.sequence_number, t.prompt_message_id,
      (SELECT p.depth FROM messages p WHERE p.id = t.prompt_message_id) + 1, '', 0, t.model, NULL, 1, ?, NULL, t.started_at
    FROM ${newClaim(1)}`;
}

/** @param length how many messages the active path then has */
function updateConversation(added: 1 | 2, length: string): string {
  return `UPDATE conversations SET last_sequence_number = last_sequence_number + ${added}, head_message_id = ?, message_count = ${length},
      title = coalesce(title, ?), updated_at = ${NOW}
    WHERE id = ? AND EXISTS (SELECT 1 FROM turns t WHERE t.id = ? AND t.conversation_id = conversations.id
      AND t.sequence_number = conversations.last_sequence_number + ${added})`;
}
