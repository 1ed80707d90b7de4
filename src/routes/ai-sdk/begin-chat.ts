/** Gives a request of the AI SDK's chat its turn, however the request came. */
import type { ChatTrigger } from '../../actions/chat-trigger.ts';
import { findChat, startInChat, userOf } from '../../actions/client-chat.ts';
import type { ActionContext } from '../../actions/context.ts';
import { startTurn } from '../../actions/start-turn.ts';
import { sha256 } from '../../core/sha256.ts';
import { findRunningTurn } from '../../store/client-ids.ts';
import type { Key } from '../../store/idempotency-keys.ts';
import type { TurnStream } from '../../turns/turn-service.ts';
import { uiMessageStream } from '../../wire/ui-message-stream.ts';
import { streamOptions } from '../shared/answer-turn.ts';
import { required } from '../shared/required.ts';
import { systemIn, triggerOf, type ChatBody } from './chat-body.ts';
import { chatParameters } from './chat-parameters.ts';

export const CHAT_PATH = '/api/chat';

export function chatOptions(fields: Pick<ChatBody, 'on_disconnect'>) {
  return streamOptions(uiMessageStream, fields);
}

/**
 * Starts the turn that a body asks for, or joins it.
 * @param key the client's own name for its request
 * @throws ParleyError as {@link startInChat} does
 */
export async function beginChat(
  context: ActionContext,
  given: ChatBody,
  key?: Key,
): Promise<TurnStream> {
  const trigger = triggerOf(given);
  const idempotency = key ?? (await keyOf(context, given, trigger));
  const { model, on_busy: onBusy, mode, instructions } = given;
  const parameters = chatParameters(given, systemIn(given));
  const chat = { chatId: given.id, trigger, create: { mode, instructions } };
  const options = chatOptions(given);
  return startInChat(context, chat, {
    start: (of, ask) => startTurn(of, { ...ask, model, parameters, onBusy, idempotency }, options),
    // Without a cursor there is always something to follow.
    join: async (turn) => required(await context.dependencies.turns.follow(turn, options), 'Turn'),
  });
}

/**
 * Returns the key under which a repeated submission finds the turn of the first one: the chat, the
 * message and what it says. Another try has none, nor has answering again: two requests for it are
 * two answers.
 */
async function keyOf(
  { principal }: ActionContext,
  { id }: ChatBody,
  trigger: ChatTrigger,
): Promise<Key | undefined> {
  if (trigger.kind === 'regenerate') return undefined;
  if (trigger.kind === 'submit' && trigger.isAgain) return undefined;
  const message = trigger.kind === 'submit' ? trigger.messageId : trigger.answerId;
  const fingerprint = await sha256(JSON.stringify([id, trigger.kind, message, trigger.parts]));
  return { scope: userOf(principal), key: `${CHAT_PATH} ${fingerprint}`, fingerprint };
}

/** Finds the turn that runs in a chat; a chat that is not there has none. */
export async function runningTurn(context: ActionContext, chatId: string) {
  const conversationId = await findChat(context, chatId);
  if (conversationId === undefined) return undefined;
  const { dependencies, principal } = context;
  const found = await findRunningTurn(dependencies.db, { conversationId, principal });
  return found && { ...found, conversationId };
}
