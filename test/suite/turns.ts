/**
 * What the tests of turns share: a scripted model, the streaming calls of every door, and reading
 * what they sent.
 */
import { expect } from 'vitest';
import { asRecord, asText, parseJson } from '../support/json.ts';
import type { OpenStream, SseEvent, StreamInit } from '../support/sse.ts';
import type { SentScript } from '../support/upstream/control.ts';
import { unique, type Target } from './target.ts';

export type Provider = 'groq' | 'openai' | 'google';

export interface MessageJson {
  id: string;
  role: string;
  content: string;
  status: string;
  sequence_number: number;
  parent_id: string | null;
  siblings: { index: number; count: number };
  refused?: boolean;
  model: string | null;
  tokens_used: number;
  tokens_estimated: boolean;
  parts?: { type: string; text?: string }[];
}

export interface ProblemJson {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  retry_after?: number;
  errors?: { path: string; message: string }[];
}

export interface UsageJson {
  input_tokens: number;
  output_tokens: number;
  total_tokens: number;
  estimated: boolean;
}

/** The data of `turn.completed`, `turn.cancelled` and `turn.failed`. */
export interface EndJson {
  turn_id: string;
  message: MessageJson;
  usage: UsageJson;
  finish_reason?: string;
  error?: ProblemJson;
}

/** Makes a model of this provider that does as the script says; answers its `provider/model`. */
export async function scripted(
  target: Pick<Target, 'upstream'>,
  script: SentScript,
  provider: Provider = 'openai',
): Promise<{ model: string; name: string }> {
  const name = unique('model');
  await target.upstream.script(name, script);
  return { model: `${provider}/${name}`, name };
}

/** A new conversation without messages. */
export async function conversation(
  target: Pick<Target, 'call'>,
  fields: Record<string, unknown> = {},
): Promise<string> {
  const json = { user_id: unique('user'), ...fields };
  const { json: made } = await target.call<{ conversation_id: string }>('/conversations', { json });
  return made.conversation_id;
}

export interface Asking {
  conversationId: string;
  model: string;
  message: string;
}

export interface StreamingCall {
  name: string;
  /** The calls that begin a conversation make their own. */
  begins?: boolean;
  textOnly?: boolean;
  call(asking: Asking): { path: string; init: StreamInit };
}

function get(path: string, { conversationId, model, message }: Asking) {
  const query = new URLSearchParams({ message, model });
  return { path: `${path}/${conversationId}/stream?${query}`, init: {} };
}

/** Every call of the HTTP doors that streams an answer. */
export const streamingCalls: StreamingCall[] = [
  {
    name: 'POST /conversations',
    begins: true,
    call: ({ model, message }) => ({
      path: '/conversations',
      init: { json: { user_id: unique('user'), message, model } },
    }),
  },
  {
    name: 'POST /conversations/start',
    begins: true,
    call: ({ model, message }) => ({
      path: '/conversations/start',
      init: { json: { user_id: unique('user'), message, model } },
    }),
  },
  {
    name: 'POST /conversations/{id}/messages',
    call: ({ conversationId, model, message }) => ({
      path: `/conversations/${conversationId}/messages`,
      init: { json: { message, model } },
    }),
  },
  {
    name: 'POST /conversations/{id}/message',
    call: ({ conversationId, model, message }) => ({
      path: `/conversations/${conversationId}/message`,
      init: { json: { message, model } },
    }),
  },
  {
    name: 'POST /chat',
    call: ({ conversationId, model, message }) => ({
      path: '/chat',
      init: { json: { chat_id: conversationId, message, model } },
    }),
  },
  {
    name: 'POST /chat/conversations/{id}/messages',
    call: ({ conversationId, model, message }) => ({
      path: `/chat/conversations/${conversationId}/messages`,
      init: { json: { content: message, model } },
    }),
  },
  { name: 'GET /conversations/{id}/stream', call: (asking) => get('/conversations', asking) },
  {
    name: 'GET /chat/conversations/{id}/stream',
    textOnly: true,
    call: (asking) => get('/chat/conversations', asking),
  },
];

/** What a native stream said, after checking what holds for every one of them. */
export interface Heard {
  text: string;
  reasoning: string;
  started: {
    turn_id: string;
    conversation_id: string;
    title: string | null;
    model: string;
    user_message: { id: string; sequence_number: number };
    assistant_message: { id: string; sequence_number: number };
  };
  terminal: string;
  end: EndJson;
  types: string[];
}

const terminals = ['turn.completed', 'turn.cancelled', 'turn.failed'];

/** Reads a native stream to its end and checks its order, its ids and its one terminal event. */
export async function hear(stream: OpenStream): Promise<Heard> {
  expect({ status: stream.status, isEventStream: stream.isEventStream }).toEqual({
    status: 200,
    isEventStream: true,
  });
  const { events, ended } = await stream.collect();
  const types = events.map((event) => event.type);
  expect(ended).toBe('end');
  expect(types[0]).toBe('turn.started');
  expect(types.filter((type) => type === 'turn.started')).toHaveLength(1);
  expect(types.filter((type) => terminals.includes(type))).toEqual([types.at(-2)]);
  expect(events.at(-1)).toMatchObject({ type: 'done', data: '[DONE]', hasOwnId: false });
  expect(events.slice(0, -1).every((event) => event.hasOwnId && event.id !== '')).toBe(true);
  expect(stream.parser.hasInvalidUtf8).toBe(false);
  const end = endOf(events.at(-2));
  // The shape that the callers go on to assert.
  const started = JSON.parse(events[0]?.data ?? 'null') as Heard['started'];
  return {
    text: textOf(events, 'message.delta'),
    reasoning: textOf(events, 'reasoning.delta'),
    started,
    terminal: types.at(-2) ?? '',
    end,
    types,
  };
}

/** The text that the events of a type carry. */
export function textOf(events: SseEvent[], type: string): string {
  return events
    .filter((event) => event.type === type)
    .map((event) => asText(asRecord(parseJson(event.data))['text']))
    .join('');
}

/** The data of a terminal event, in the shape that the caller goes on to assert. */
export function endOf(event: SseEvent | undefined): EndJson {
  return JSON.parse(event?.data ?? 'null') as EndJson;
}

/** What a text-only stream said: its text, whatever named events came, and the last message. */
export async function hearText(stream: OpenStream) {
  expect({ status: stream.status, isEventStream: stream.isEventStream }).toEqual({
    status: 200,
    isEventStream: true,
  });
  const { events, ended } = await stream.collect();
  expect(ended).toBe('end');
  expect(events.at(-1)).toMatchObject({ type: 'message', data: '[DONE]' });
  expect(stream.parser.hasInvalidUtf8).toBe(false);
  const messages = events.slice(0, -1).filter((event) => event.type === 'message');
  // Only the end may be the end marker.
  expect(messages.filter((event) => event.data === '[DONE]')).toEqual([]);
  return {
    text: messages.map((event) => event.data).join(''),
    named: events.filter((event) => event.type !== 'message'),
    events,
  };
}

/** The messages of a conversation as they are stored. */
export async function storedMessages(
  target: Pick<Target, 'call'>,
  conversationId: string,
): Promise<MessageJson[]> {
  const path = `/conversations/${conversationId}`;
  const { json } = await target.call<{ messages: MessageJson[] }>(path);
  return json.messages;
}

/** The conversation that a streamed answer belongs to, by its header. */
export function conversationOf(stream: OpenStream): string {
  return asText(stream.headers['x-conversation-id']);
}

/** The messages that a chat model received, as role and text. */
export function sentMessages(body: unknown): { role: string; content: string }[] {
  const messages = asRecord(body)['messages'];
  return (Array.isArray(messages) ? messages : []).map((message) => {
    const { role, content } = asRecord(message);
    const parts = Array.isArray(content) ? content : [];
    const text = parts.map((part) => asText(asRecord(part)['text'])).join('');
    return { role: asText(role), content: asText(content) || text };
  });
}
