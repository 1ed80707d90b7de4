/** Finds where a request belongs whose client names the chat, and perhaps the messages, itself. */
import { findMessages } from '../store/client-ids.ts';
import { findChat, type PlacedAsk } from './client-chat.ts';
import type { ActionContext } from './context.ts';
import { beginHistory, placeIn, type Place, type Placing } from './place-history.ts';

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
 * where the history belongs in the chat.
 */
export async function placeInChat(
  context: ActionContext,
  names: ChatNames,
  placing: Placing,
): Promise<Place> {
  const conversationId = await findChat(context, names.chatId);
  if (conversationId !== undefined && names.questionId === undefined)
    return placeIn(context, conversationId, placing);
  const ask =
    conversationId === undefined
      ? await beginHistory(context, {
          ...placing,
          create: { ...placing.create, clientId: names.chatId },
        })
      : await askByNames(context, conversationId, names, placing);
  return { ask: withName(ask, names.questionId) };
}

async function askByNames(
  { dependencies }: ActionContext,
  conversationId: string,
  { questionId = '', parentId = questionId }: ChatNames,
  { question, before }: Placing,
): Promise<PlacedAsk> {
  const named = { conversationId, names: [questionId, parentId] };
  const found = await findMessages(dependencies.db, named);
  const asked = found.find(({ clientId }) => clientId === questionId);
  if (asked) return { conversationId, input: { kind: 'regenerate', promptId: asked.id } };
  const parent = found.find(({ role }) => role === 'assistant');
  const parts = [{ type: 'text' as const, text: question }];
  const place = before.length === 0 ? null : parent?.id;
  return { conversationId, input: { kind: 'message', parts, parentId: place } };
}

function withName(ask: PlacedAsk, clientId: string | undefined): PlacedAsk {
  if (ask.input.kind !== 'message') return ask;
  return { ...ask, input: { ...ask.input, clientId } };
}
