/**
 * Turns in the chats of clients that give chats and messages names of their own, and that send
 * the history along. What they say of the history only tells where a message belongs: the stored
 * messages are what a model is sent.
 */
import { invalid, ParleyError } from '../core/errors.ts';
import { userIdOf, type Principal } from '../core/principal.ts';
import type { Part } from '../core/parts.ts';
import { findConversation, findMessages, type NamedMessage } from '../store/client-ids.ts';
import type { TurnInput } from '../turns/turn-service.ts';
import type { ActionContext } from './context.ts';
import type { ConversationFields, TurnAsk } from './start-turn.ts';
import { regenerateInput } from './turn-input.ts';

/** What a chat's client wants. */
export interface ChatRequest {
  /** The client's name of the chat, or the id of the conversation. */
  chatId: string;
  trigger: ChatTrigger;
  /** The fields of the conversation, where the chat is new. */
  create: ConversationFields;
}

export type ChatTrigger =
  | {
      kind: 'submit';
      /** The client's name of the message. */
      messageId?: string;
      parts: Part[];
      /**
       * The names of the answers before it, the nearest first. Undefined when the client sent the
       * message alone, which then follows the end of the active path.
       */
      answersBefore: string[] | undefined;
      /** True when the client has earlier questions, which a new chat cannot have. */
      hasQuestionsBefore: boolean;
    }
  /** Answers a message again: the user's own, or the one that this answer answered. */
  | { kind: 'regenerate'; messageId: string };

/** The place of a turn, and its input, as {@link startTurn} wants them. */
export type PlacedAsk = Pick<TurnAsk, 'conversationId' | 'create' | 'input'>;

/**
 * Starts something in a chat, which is made when it is not there yet.
 * @param start starts it; called again with the conversation's id when the chat turns out to exist
 * @throws ParleyError `not_found`, `invalid_request`, and what `start` throws
 */
export async function startInChat<Started>(
  context: ActionContext,
  request: ChatRequest,
  start: (context: ActionContext, ask: PlacedAsk) => Promise<Started>,
): Promise<Started> {
  // A message without a history is nearly always the first of its chat: that saves the look.
  const mayBeNew = isFirst(request.trigger) && !OUR_ID.test(request.chatId);
  const known = mayBeNew ? undefined : await findChat(context, request.chatId);
  if (known !== undefined) return start(context, await askIn(context, known, request.trigger));
  try {
    return await start(withUser(context), askToCreate(request));
  } catch (error) {
    if (!(error instanceof ParleyError) || error.code !== 'not_found') throw error;
    const conversationId = await findChat(context, request.chatId);
    if (conversationId === undefined) throw error;
    return start(context, await askIn(context, conversationId, request.trigger));
  }
}

/** Finds a chat by the client's name for it, or by its id; undefined when there is none. */
export function findChat(
  { dependencies, principal }: ActionContext,
  name: string,
): Promise<string | undefined> {
  return findConversation(dependencies.db, { name, userId: userOf(principal), principal });
}

/** The user of clients that name none, in a server that anybody may call. */
const ANONYMOUS = 'anonymous';

/** Returns the user among whose chats a name is unique. */
export function userOf(principal: Principal): string {
  return userIdOf(principal) ?? ANONYMOUS;
}

/** Returns the context in which a chat is made: whoever names no user is the anonymous one. */
export function withUser(context: ActionContext): ActionContext {
  const { principal } = context;
  if (userIdOf(principal) !== undefined) return context;
  return { ...context, principal: { kind: 'anyone', userId: ANONYMOUS } };
}

function isFirst(trigger: ChatTrigger): boolean {
  return trigger.kind === 'submit' && trigger.answersBefore?.length === 0;
}

function askToCreate({ chatId, trigger, create }: ChatRequest): PlacedAsk {
  if (trigger.kind === 'regenerate')
    throw invalid(
      'messageId',
      'this chat is not stored, so no message of it can be answered again',
    );
  if (trigger.hasQuestionsBefore)
    throw invalid('messages', 'the messages before the last one are not stored here');
  const { parts, messageId } = trigger;
  const input: TurnInput = { kind: 'message', parts, parentId: null, clientId: messageId };
  return { create: { ...create, clientId: chatId }, input };
}

async function askIn(
  context: ActionContext,
  conversationId: string,
  trigger: ChatTrigger,
): Promise<PlacedAsk> {
  return { conversationId, input: await inputOf(context, conversationId, trigger) };
}

async function inputOf(
  context: ActionContext,
  conversationId: string,
  trigger: ChatTrigger,
): Promise<TurnInput> {
  if (trigger.kind === 'regenerate')
    return regenerateInput(await messageNamed(context, conversationId, trigger.messageId));
  const { parts, messageId: clientId, answersBefore } = trigger;
  const parentId = await parentOf(context, conversationId, answersBefore);
  return { kind: 'message', parts, parentId, clientId };
}

/** Finds the newest message of this name. @throws ParleyError `invalid_request` without one */
async function messageNamed(
  { dependencies }: ActionContext,
  conversationId: string,
  name: string,
): Promise<NamedMessage> {
  const [found] = await findMessages(dependencies.db, { conversationId, names: [name] });
  if (!found) throw invalid('messageId', `${name} is not a message of this chat`);
  return found;
}

const OUR_ID = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

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
  answersBefore: string[] | undefined,
): Promise<string | null | undefined> {
  if (answersBefore === undefined) return undefined;
  const [nearest] = answersBefore;
  if (nearest === undefined) return null;
  // The names of our answers are their ids: the claim itself checks that this one is there.
  if (OUR_ID.test(nearest)) return nearest;
  const names = answersBefore.slice(0, MOST_ANSWERS);
  const found = await findMessages(dependencies.db, { conversationId, names });
  if (found.length === 0) return null;
  throw invalid('messages', `${nearest} is not stored here, though answers before it are`);
}
