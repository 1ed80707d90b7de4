/** Finds where a request belongs whose client names the chat, and perhaps the messages, itself. */
import { invalid, notFound } from '../core/errors.ts';
import { withoutGreeting } from '../core/exchange.ts';
import { contentOf, type Part } from '../core/parts.ts';
import { findMessages } from '../store/client-ids.ts';
import { findChat, type PlacedAsk } from './client-chat.ts';
import type { ActionContext } from './context.ts';
import {
  beginHistory,
  placeAfter,
  placeIn,
  repeatedIn,
  type Place,
  type Placing,
} from './place-history.ts';

/** The client's names of a chat and of messages in it. */
export interface ChatNames {
  chatId: string;
  /** Of the question; undefined where the client names no messages. */
  questionId?: string;
  /** Of the answer before the question. */
  parentId?: string;
}

/**
 * Returns the turn to join, or the place of a new one: where the names of the messages say, else
 * where the history belongs in the chat. A history that the chat does not have gets a conversation
 * of its own, since what is sent to the model has to be what the client sees.
 */
export async function placeInChat(
  context: ActionContext,
  names: ChatNames,
  placing: Placing,
): Promise<Place> {
  const conversationId = await findChat(context, names.chatId);
  if (conversationId === undefined) {
    const create = { ...placing.create, clientId: names.chatId };
    return { ask: withName(await beginHistory(context, { ...placing, create }), names.questionId) };
  }
  const repeated = await repeatedIn(context, conversationId, placing);
  if (repeated) return repeated;
  // No client names the results of its tools.
  const place =
    names.questionId === undefined || placing.results
      ? await placeIn(context, conversationId, placing)
      : await placeByNames(context, conversationId, names, placing);
  if (place) return place;
  const ask =
    isBeginning(placing) && !placing.results
      ? placeAfter(conversationId, placing, null)
      : await beginHistory(context, placing);
  return { ask: withName(ask, names.questionId) };
}

/**
 * Returns the place of a message in a conversation that the client named by its id: after the
 * history that it sends, or at the end where it sends the message alone.
 * @throws ParleyError `not_found`, `invalid_request` for a history that is not the conversation's
 */
export async function placeInConversation(
  context: ActionContext,
  name: string,
  placing: Placing,
): Promise<Place> {
  const conversationId = await findChat(context, name);
  if (conversationId === undefined) throw notFound('Conversation');
  const repeated = await repeatedIn(context, conversationId, placing);
  if (repeated) return repeated;
  if (isBeginning(placing)) return { ask: placeAfter(conversationId, placing, undefined) };
  const place = await placeIn(context, conversationId, placing);
  if (place) return place;
  throw invalid('messages', 'these messages are not those of the conversation');
}

function isBeginning({ before }: Placing): boolean {
  return withoutGreeting(before).length === 0;
}

async function placeByNames(
  { dependencies }: ActionContext,
  conversationId: string,
  { questionId = '', parentId = questionId }: ChatNames,
  placing: Placing,
): Promise<Place | undefined> {
  const named = { conversationId, names: [questionId, parentId] };
  const found = await findMessages(dependencies.db, named);
  const asked = found.filter(({ clientId }) => clientId === questionId);
  const same = asked.find(({ parts }) => contentOf(parts) === placing.question);
  if (same) return { ask: { conversationId, input: { kind: 'regenerate', promptId: same.id } } };
  const parent = asked[0]?.parentId ?? found.find(({ role }) => role === 'assistant')?.id;
  if (parent === undefined) return undefined;
  return { ask: withName(placeAfter(conversationId, placing, parent), questionId) };
}

function withName(ask: PlacedAsk, clientId: string | undefined): PlacedAsk {
  if (ask.input.kind !== 'message' || ask.input.parts.some(isResult)) return ask;
  return { ...ask, input: { ...ask.input, clientId } };
}

function isResult({ type }: Part): boolean {
  return type === 'tool_result';
}
