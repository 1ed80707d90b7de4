/** Every door by which somebody says something to the assistant, as its clients do it. */
import { asRecord, parseJson } from '../json.ts';
import type { Call, Chat, Door } from './door.ts';
import {
  agUi,
  anthropic,
  completions,
  frames,
  native,
  responseFrames,
  responses,
  uiFrames,
  uiMessages,
} from './hearing.ts';

const steer = (body: Call['body']) => ({ ...body, on_busy: 'steer' });

/** The client's names of its messages are those of their places. */
const newId = ({ name, said }: Chat) => `${name}-${said.length}`;

/** By this the packages of OpenAI and Anthropic tell that they try again. */
const AGAIN = { 'x-stainless-retry-count': '1' };

const conversations: Door = {
  name: 'POST /conversations/{id}/messages',
  hear: native,
  begins: true,
  call(chat, message) {
    const { user: user_id, model, conversationId } = chat;
    const path =
      conversationId === undefined ? '/conversations' : `/conversations/${conversationId}/messages`;
    const headers = { 'idempotency-key': newId(chat) };
    return { path, body: { user_id, message, model, stream: true }, headers };
  },
  again: {},
  steering: steer,
};

const uiMessage = (id: string, role: string, text: string) => ({
  id,
  role,
  parts: [{ type: 'text', text }],
});

function uiBody(chat: Chat, message: string) {
  const { user: user_id, model, name, conversationId, said } = chat;
  const before = said.map(({ id, role, content }) => uiMessage(id, role, content));
  const messages = [...before, uiMessage(newId(chat), 'user', message)];
  return { id: conversationId ?? name, messages, trigger: 'submit-message', user_id, model };
}

const uiChat: Door = {
  name: 'POST /api/chat',
  hear: uiMessages,
  begins: true,
  call: (chat, message) => ({ path: '/api/chat', body: uiBody(chat, message) }),
  again: {},
  steering: steer,
};

const uiSocket: Door = {
  name: 'a socket of the AI SDK',
  hear: uiFrames,
  begins: true,
  call(chat, message) {
    const { user_id: _, ...body } = uiBody(chat, message);
    const socket = { protocol: 'ai-sdk-chat' };
    return { path: `/ws/${chat.user}`, body: { type: 'send', requestId: 'r1', body }, socket };
  },
  again: {},
  steering: (frame) => ({ ...frame, body: { ...asRecord(frame['body']), on_busy: 'steer' } }),
};

const socket: Door = {
  name: 'a socket',
  hear: frames,
  begins: true,
  call({ user, model, conversationId }, message) {
    const where = conversationId === undefined ? {} : { conversation_id: conversationId };
    return { path: `/ws/${user}`, body: { message, model, ...where }, socket: {} };
  },
  back: (turnId) => ({ path: `/turns/${turnId}/events`, hear: native }),
  steering: steer,
};

const history = ({ said }: Chat, message: string) => [
  ...said.map(({ role, content }) => ({ role, content })),
  { role: 'user', content: message },
];

const chatCompletions: Door = {
  name: 'POST /v1/chat/completions',
  hear: completions,
  begins: true,
  keepsHistories: true,
  call(chat, message) {
    const { user, model } = chat;
    const body = { model, user, messages: history(chat, message), stream: true };
    return { path: '/v1/chat/completions', body };
  },
  again: AGAIN,
};

/** The message alone, or with all that was said, in a conversation that is named. */
const namedCompletions = (name: string, shown: (chat: Chat) => Chat): Door => ({
  name: `POST /v1/chat/completions with an id and ${name}`,
  hear: completions,
  begins: false,
  call(chat, message) {
    const { path, body } = chatCompletions.call(shown(chat), message);
    return { path, body: { ...body, metadata: { conversation_id: chat.conversationId } } };
  },
});

/** As LibreChat names its conversations. */
const inChat = (door: Door): Door => ({
  name: `${door.name} with X-Conversation-Id`,
  hear: door.hear,
  begins: false,
  call: (chat, message) => ({
    ...door.call(chat, message),
    headers: { 'x-conversation-id': chat.conversationId ?? '' },
  }),
});

const openResponses: Door = {
  name: 'POST /v1/responses',
  hear: responses,
  begins: true,
  keepsHistories: true,
  call({ user, model, turnId }, input) {
    const after = turnId === undefined ? {} : { previous_response_id: `resp_${turnId}` };
    return { path: '/v1/responses', body: { model, user, input, stream: true, ...after } };
  },
  again: AGAIN,
};

/** Its frames name no conversation, so it is not among the doors where clients change places. */
export const responsesSocket: Door = {
  name: 'a socket of responses',
  hear: responseFrames,
  begins: true,
  call(chat, message) {
    const { user: user_id, stream: _, ...asked } = openResponses.call(chat, message).body;
    const body = { type: 'response.create', user_id, ...asked };
    return { path: '/v1/responses', body, socket: {} };
  },
  back(turnId, events) {
    const last = events.findLast(({ data }) => data.includes('"sequence_number"'));
    const number = last && asRecord(parseJson(last.data))['sequence_number'];
    const after = typeof number === 'number' ? `&starting_after=${number}` : '';
    return { path: `/v1/responses/resp_${turnId}?stream=true${after}`, hear: responses };
  },
};

const inOpenAiConversation: Door = {
  name: 'POST /v1/responses in a conversation',
  hear: responses,
  begins: false,
  call({ turnId: _, ...chat }, message) {
    const { path, body } = openResponses.call(chat, message);
    return { path, body: { ...body, conversation: `conv_${chat.conversationId}` } };
  },
};

const messages: Door = {
  name: 'POST /v1/messages',
  hear: anthropic,
  begins: true,
  keepsHistories: true,
  call(chat, message) {
    const { user: user_id, model } = chat;
    const asked = { model, max_tokens: 10_000, metadata: { user_id }, stream: true };
    return { path: '/v1/messages', body: { ...asked, messages: history(chat, message) } };
  },
  again: AGAIN,
};

const runs: Door = {
  name: 'POST /ag-ui',
  hear: agUi,
  begins: true,
  call(chat, message) {
    const { user: user_id, model, name, conversationId, said } = chat;
    const body = {
      threadId: conversationId ?? name,
      runId: `run-${newId(chat)}`,
      messages: [...said, { id: newId(chat), role: 'user', content: message }],
      forwardedProps: { user_id, model },
    };
    return { path: '/ag-ui', body };
  },
  again: {},
  steering: ({ forwardedProps, ...run }) => ({
    ...run,
    forwardedProps: { ...asRecord(forwardedProps), on_busy: 'steer' },
  }),
};

export const DOORS: readonly Door[] = [
  conversations,
  uiChat,
  uiSocket,
  socket,
  chatCompletions,
  namedCompletions('the message alone', (chat) => ({ ...chat, said: [] })),
  namedCompletions('the history', (chat) => chat),
  inChat(chatCompletions),
  openResponses,
  inOpenAiConversation,
  messages,
  inChat(messages),
  runs,
];

/** Doors at which nothing but the history says where a message belongs. */
export const BY_HISTORY: readonly Door[] = [chatCompletions, messages];
