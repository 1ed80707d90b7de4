/** The wishes of a chat's client, as requests for turns. */
import { invalid } from '../core/errors.ts';
import type { Attachment } from '../core/file.ts';
import { terminalEvent } from '../core/message.ts';
import { contentOf, filesIn, type Part } from '../core/parts.ts';
import { waitingCalls, type Approval, type ToolResult } from '../core/tool-calls.ts';
import { findAsked, findMessages, type NamedMessage } from '../store/client-ids.ts';
import type { TurnAddress, TurnInput } from '../turns/turn-service.ts';
import type { ActionContext } from './context.ts';
import type { TurnAsk } from './start-turn.ts';
import { regenerateInput } from './turn-input.ts';

export interface Submission {
  kind: 'submit';
  /** The client's name of the message. */
  messageId?: string;
  /** True when the client may have sent it before: an edited message, or another try. */
  isAgain: boolean;
  parts: Part[];
  attachments?: readonly Attachment[];
  /**
   * The answers before it, the nearest first. Undefined when the client sent the message alone,
   * which then follows the end of the active path, or stands beside the message that it edits.
   */
  answersBefore: AnswerName[] | undefined;
  /** True when the client has earlier questions, which a new chat cannot have. */
  hasQuestionsBefore: boolean;
}

/** An answer as a client names it. */
export interface AnswerName {
  name: string;
  /** True when it may stand for several answers, which have gone on after calls. */
  mayBeSeveral: boolean;
}

/** A client's results and approvals for the calls of an answer: all that it has, new or old. */
export interface CallAnswers {
  kind: 'answer';
  /** The client's name of the answer. */
  answerId: string;
  parts: (ToolResult | Approval)[];
}

export type ChatTrigger =
  | Submission
  | CallAnswers
  /** Answers a message again: the user's own, or the one that this answer answered. */
  | { kind: 'regenerate'; messageId: string };

/** The turn to join, or the one to start. */
export type ChatPlace =
  | { join: TurnAddress }
  | { ask: Pick<TurnAsk, 'input' | 'answerClientId' | 'joinSameText'> };

/**
 * Returns the turn that is wanted in a conversation.
 * @throws ParleyError `invalid_request` for what the conversation has not
 */
export async function placeTrigger(
  context: ActionContext,
  conversationId: string,
  trigger: ChatTrigger,
): Promise<ChatPlace> {
  if (trigger.kind === 'answer')
    return { ask: await answerCalls(context, conversationId, trigger) };
  if (trigger.kind === 'submit') return submit(context, conversationId, trigger);
  const named = await messagesNamed(context, conversationId, trigger.messageId);
  // Of several answers that a client has as one, the first has the question.
  const message = named.find(({ id }) => id === trigger.messageId) ?? named[0];
  return { ask: { input: regenerateInput(message) } };
}

/** Within this time the same message again is a repeat, and not another try; milliseconds. */
const REPEAT_WITHIN_MS = 60_000;

async function submit(
  context: ActionContext,
  conversationId: string,
  submission: Submission,
): Promise<ChatPlace> {
  const { messageId: clientId, parts, attachments, answersBefore, isAgain } = submission;
  const before = answersBefore && (await parentOf(context, conversationId, answersBefore));
  const plain = { kind: 'message' as const, parts, clientId, attachments };
  const { db } = context.dependencies;
  const asked =
    isAgain && clientId !== undefined
      ? await findAsked(db, { conversationId, name: clientId })
      : undefined;
  if (!asked) return { ask: { input: { ...plain, parentId: before } } };
  const hasSameFiles = filesIn(asked.parts).length === (attachments?.length ?? 0);
  const isSame = hasSameFiles && contentOf(asked.parts) === contentOf(parts);
  if (isSame && isBeingAnswered(asked))
    return { join: { turnId: asked.turnId ?? '', conversationId } };
  if (isSame) return { ask: { input: { kind: 'regenerate', promptId: asked.id } } };
  const parentId = before === undefined ? asked.parentId : before;
  const input = { ...plain, parentId, parentMayBeQuestion: true };
  return { ask: { input, joinSameText: true } };
}

/** Tells whether a question has an answer that whoever repeats it would want, or will have. */
function isBeingAnswered({ status, age, turnId }: Awaited<ReturnType<typeof findAsked>> & object) {
  if (turnId === null) return false;
  const isWhole = terminalEvent(status) === 'turn.completed';
  return status === 'streaming' || (isWhole && age < REPEAT_WITHIN_MS);
}

/** The longest results of a message, in UTF-16 units of JSON. */
const LONGEST_RESULTS = 200_000;

/**
 * Takes of what the client says what the newest answer of this name waits for: whatever else it has
 * was told before. The claim checks that nothing is answered twice.
 */
async function answerCalls(
  context: ActionContext,
  conversationId: string,
  { answerId, parts: said }: CallAnswers,
) {
  const named = await messagesNamed(context, conversationId, answerId);
  for (const caller of named) {
    const parts = said.filter((part) => isWaitedFor(part, caller));
    if (parts.length === 0) continue;
    if (JSON.stringify(parts).length > LONGEST_RESULTS)
      throw invalid('messages', `results must be at most ${LONGEST_RESULTS} characters together`);
    const input: TurnInput = { kind: 'message', parts, parentId: caller.id };
    return { input, answerClientId: caller.clientId ?? caller.id };
  }
  throw invalid('messages', 'no call in the last message waits for an answer');
}

function isWaitedFor(part: ToolResult | Approval, { parts }: NamedMessage): boolean {
  if (part.type === 'tool_result')
    return waitingCalls(parts).some(({ tool_call_id: id }) => id === part.tool_call_id);
  return parts.some(
    (asked) => asked.type === 'tool_approval' && asked.approval_id === part.approval_id,
  );
}

/** Finds the messages of this name, the newest first. @throws ParleyError without one */
async function messagesNamed(
  { dependencies }: ActionContext,
  conversationId: string,
  name: string,
): Promise<[NamedMessage, ...NamedMessage[]]> {
  const [first, ...more] = await findMessages(dependencies.db, { conversationId, names: [name] });
  if (!first) throw invalid('messageId', `${name} is not a message of this chat`);
  return [first, ...more];
}

/** The form of our own ids. */
export const OUR_ID = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

/** The most answers of a history that are looked for. */
const MOST_ANSWERS = 50;

/**
 * Returns the answer that a message follows. Answers that are not stored, such as a greeting that
 * the client wrote, are passed over only where no stored one comes before them.
 * @throws ParleyError `invalid_request` when the history has answers that are not stored here
 */
async function parentOf(
  { dependencies }: ActionContext,
  conversationId: string,
  answersBefore: AnswerName[],
): Promise<string | null> {
  const [nearest] = answersBefore;
  if (nearest === undefined) return null;
  // The names of our answers are their ids: the claim itself checks that this one is there.
  if (OUR_ID.test(nearest.name) && !nearest.mayBeSeveral) return nearest.name;
  const names = answersBefore.slice(0, MOST_ANSWERS).map(({ name }) => name);
  const found = await findMessages(dependencies.db, { conversationId, names });
  const parent = found.find(({ id, clientId }) => [id, clientId].includes(nearest.name));
  if (parent) return parent.id;
  if (found.length === 0) return null;
  throw invalid('messages', `${nearest.name} is not stored here, though answers before it are`);
}
