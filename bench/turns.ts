/**
 * Defines a turn for each server: the conversations that must exist before it, and the request that
 * starts it.
 */
import type { Server } from './servers.ts';

export type TurnRequest = { path: string; body?: string };
type Message = { role: 'user' | 'assistant'; content: string };

/** A message of typical length. */
export const QUESTION =
  'What does it cost to stream one more token through a server like this one?';
const ANSWER_IN_HISTORY =
  'It depends on what each token crosses on its way from the model to the client. '.repeat(2);
/** Conversations that are prepared at the same time. */
const PREPARED_AT_ONCE = 8;

/**
 * Returns the requests for `count` turns, each in a new conversation. parley keeps conversations,
 * so they are created here; the other servers receive their (empty) history.
 */
export async function freshTurns({
  server,
  model,
  count,
}: {
  server: Server;
  model: string;
  count: number;
}): Promise<TurnRequest[]> {
  if (server.wire !== 'native')
    return Array.from({ length: count }, () => statelessTurn({ server, model, history: 0 }));
  return inParallel(count, async (index) =>
    turnIn(await createConversation(server, `bench-${index}`), model),
  );
}

/**
 * Returns the requests for `count` turns after `history` messages, distributed over a few
 * conversations that hold them.
 */
export async function turnsAfterHistory(options: {
  server: Server;
  model: string;
  count: number;
  history: number;
}): Promise<TurnRequest[]> {
  const { server, model, count, history } = options;
  if (server.wire !== 'native')
    return Array.from({ length: count }, () => statelessTurn({ server, model, history }));
  const conversations = await inParallel(4, async (index) => {
    const conversation = await createConversation(server, `bench-history-${index}`);
    await fill({ server, conversation, messages: history });
    return conversation;
  });
  return Array.from({ length: count }, (_, index) => turnIn(conversations[index % 4]!, model));
}

export type Conversation = { id: string; userId: string };

/** Creates a new, empty conversation of parley. */
export async function createConversation(
  server: Server,
  userId: string,
  mode = 'open',
): Promise<Conversation> {
  const created = await post(server, '/conversations', { user_id: userId, mode });
  return { id: String(created['conversation_id']), userId };
}

/** Adds so many messages to a conversation, by short turns. */
export async function fill(options: {
  server: Server;
  conversation: Conversation;
  messages: number;
}): Promise<void> {
  const { server, conversation, messages } = options;
  const path = `/chat/conversations/${conversation.id}/messages`;
  const body = { user_id: conversation.userId, content: QUESTION, model: 'openai/bench-30x0b' };
  for (let count = 0; count < messages; count += 2) await post(server, path, body);
}

/** Returns the request for one more turn in a conversation of parley. */
export function turnIn(conversation: Conversation, model: string): TurnRequest {
  const body = {
    user_id: conversation.userId,
    message: QUESTION,
    model: `openai/${model}`,
    stream: true,
  };
  return { path: `/conversations/${conversation.id}/messages`, body: JSON.stringify(body) };
}

/**
 * Makes a JSON call to parley that is not measured.
 * @throws on any status but 200
 */
export async function post(
  server: Server,
  path: string,
  body: object,
): Promise<Record<string, unknown>> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (response.status !== 200)
    throw new Error(`POST ${path}: ${response.status} ${text.slice(0, 500)}`);
  // Every JSON answer that is asked for here is an object.
  return JSON.parse(text) as Record<string, unknown>;
}

function statelessTurn({
  server,
  model,
  history,
}: {
  server: Server;
  model: string;
  history: number;
}): TurnRequest {
  const past = Array.from({ length: history }, (_, index): Message =>
    index % 2
      ? { role: 'assistant', content: ANSWER_IN_HISTORY }
      : { role: 'user', content: QUESTION },
  );
  const messages: Message[] = [...past, { role: 'user', content: QUESTION }];
  const path = server.wire === 'openai' ? '/v1/chat/completions' : '/chat';
  const body = { model, messages, stream: true, stream_options: { include_usage: true } };
  return { path, body: JSON.stringify(body) };
}

async function inParallel<T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      made[index] = await make(index);
    }
  };
  await Promise.all(Array.from({ length: PREPARED_AT_ONCE }, worker));
  return made;
}
