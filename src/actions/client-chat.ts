/**
 * Turns in the chats of clients that give chats and messages names of their own, and that send
 * the history along. What they say of the history only tells where a message belongs: the stored
 * messages are what a model is sent.
 */
import { invalid, ParleyError } from '../core/errors.ts';
import { userIdOf, type Principal } from '../core/principal.ts';
import { findConversation } from '../store/client-ids.ts';
import type { TurnAddress } from '../turns/turn-service.ts';
import { OUR_ID, placeTrigger, type ChatTrigger } from './chat-trigger.ts';
import type { ActionContext } from './context.ts';
import type { ConversationFields, TurnAsk } from './start-turn.ts';

/** A request of a chat's client. */
export interface ChatRequest {
  /** The client's name of the chat, or the id of the conversation. */
  chatId: string;
  trigger: ChatTrigger;
  /** The fields of the conversation, where the chat is new. */
  create: ConversationFields;
}

/** The place of a turn, and its input, as {@link startTurn} wants them. */
export type PlacedAsk = Pick<
  TurnAsk,
  'conversationId' | 'create' | 'input' | 'answerClientId' | 'joinSameText'
>;

/** The turn of a request: one that starts, or one that it has asked for before. */
export interface Begin<Started> {
  start: (context: ActionContext, ask: PlacedAsk) => Promise<Started>;
  join: (turn: TurnAddress) => Promise<Started>;
}

/**
 * Starts something in a chat, which is made when it is not there yet.
 * @throws ParleyError `not_found`, `invalid_request`, and what `begin` throws
 */
export async function startInChat<Started>(
  context: ActionContext,
  request: ChatRequest,
  begin: Begin<Started>,
): Promise<Started> {
  const { chatId, trigger } = request;
  // A message without a history is nearly always the first of its chat: that saves the look.
  const mayBeNew = isFirst(trigger) && !OUR_ID.test(chatId);
  const known = mayBeNew ? undefined : await findChat(context, chatId);
  if (known !== undefined) return beginIn(context, known, trigger, begin);
  try {
    return await begin.start(withUser(context), askToCreate(request));
  } catch (error) {
    if (!(error instanceof ParleyError) || error.code !== 'not_found') throw error;
    const conversationId = await findChat(context, chatId);
    if (conversationId === undefined) throw error;
    return beginIn(context, conversationId, trigger, begin);
  }
}

async function beginIn<Started>(
  context: ActionContext,
  conversationId: string,
  trigger: ChatTrigger,
  { start, join }: Begin<Started>,
): Promise<Started> {
  const place = await placeTrigger(context, conversationId, trigger);
  if ('join' in place) return join(place.join);
  return start(context, { conversationId, ...place.ask });
}

/** Finds a chat by the client's name for it, or by its id; undefined when there is none. */
export function findChat(
  { dependencies, principal }: ActionContext,
  name: string,
): Promise<string | undefined> {
  return findConversation(dependencies.db, { name, userId: userOf(principal), principal });
}

/** The user of clients that name none, in a server that anybody may call. */
export const ANONYMOUS = 'anonymous';

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
  return trigger.kind === 'submit' && !trigger.isAgain && trigger.answersBefore?.length === 0;
}

function askToCreate({ chatId, trigger, create }: ChatRequest): PlacedAsk {
  if (trigger.kind !== 'submit')
    throw invalid('messageId', 'this chat is not stored, so no message of it can be answered');
  if (trigger.hasQuestionsBefore)
    throw invalid('messages', 'the messages before the last one are not stored here');
  const { parts, attachments, messageId: clientId } = trigger;
  const input = { kind: 'message' as const, parts, attachments, parentId: null, clientId };
  return { create: { ...create, clientId: chatId }, input };
}
