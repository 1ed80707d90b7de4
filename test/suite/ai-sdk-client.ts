/** The AI SDK's own chat against the server, as `useChat` runs it, without a page around it. */
import {
  AbstractChat,
  DefaultChatTransport,
  uiMessageChunkSchema,
  type ChatInit,
  type ChatState,
  type ChatStatus,
  type UIMessage,
} from 'ai';
import { expect } from 'vitest';
import type { Target } from './target.ts';

/** What our answers tell of themselves beside their parts. */
export interface AnswerMetadata {
  turn_id: string;
  conversation_id: string;
  status: string;
  usage: { output_tokens: number };
  error?: { code: string };
}

export type ChatMessage = UIMessage<AnswerMetadata>;

class PlainState implements ChatState<ChatMessage> {
  status: ChatStatus = 'ready';
  error: Error | undefined = undefined;
  messages: ChatMessage[];

  constructor(messages: ChatMessage[]) {
    this.messages = messages;
  }

  pushMessage = (message: ChatMessage) => void (this.messages = [...this.messages, message]);
  popMessage = () => void (this.messages = this.messages.slice(0, -1));
  replaceMessage = (index: number, message: ChatMessage) =>
    void (this.messages = this.messages.with(index, structuredClone(message)));
  snapshot = <T>(thing: T) => structuredClone(thing);
}

export class Chat extends AbstractChat<ChatMessage> {
  constructor({ messages = [], ...init }: ChatInit<ChatMessage>) {
    super({ ...init, state: new PlainState(messages) });
  }
}

/** Makes a chat whose requests carry these fields besides the SDK's own. */
export function chatOf(
  target: Pick<Target, 'url'>,
  { id, body, ...init }: Omit<ChatInit<ChatMessage>, 'transport'> & { body: object },
): Chat {
  const user = String(Reflect.get(body, 'user_id'));
  const transport = new DefaultChatTransport<ChatMessage>({
    api: `${target.url}/api/chat`,
    body,
    prepareReconnectToStreamRequest: ({ api, id: chat }) => ({
      api: `${api.replace(/\/[^/]+\/stream$/u, '')}/${encodeURIComponent(chat)}/stream?user_id=${user}`,
    }),
  });
  return new Chat({ id, transport, ...init });
}

/** The visible text of a message. */
export function textOfUi({ parts }: Pick<UIMessage, 'parts'>): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** A message of the user's, as a chat sends it. */
export function said(id: string, text: string) {
  return { id, role: 'user', parts: [{ type: 'text', text }] };
}

interface Chunk {
  type: string;
  [field: string]: unknown;
}

/**
 * Reads the chunks of a stream, each checked by the package's own schema.
 * @returns the chunks, and whether the stream said that it is over
 */
export async function chunksOf(text: string): Promise<{ chunks: Chunk[]; isDone: boolean }> {
  const lines = text.split('\n').filter((line) => line.startsWith('data: '));
  const data = lines.map((line) => line.slice('data: '.length));
  const isDone = data.at(-1) === '[DONE]';
  const chunks = (isDone ? data.slice(0, -1) : data).map((line) => JSON.parse(line) as Chunk);
  const { validate } = uiMessageChunkSchema();
  for (const chunk of chunks) {
    const checked = await validate?.(chunk);
    expect(checked, JSON.stringify(chunk)).toMatchObject({ success: true });
  }
  return { chunks, isDone };
}
