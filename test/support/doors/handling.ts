/** What can be done at each door with a turn that was begun at any. */
import { asArray, asRecord, asText, parseJson } from '../json.ts';
import type { StreamInit } from '../sse.ts';
import { durable, native, responses, uiFrames, uiMessages, type Hearing } from './hearing.ts';
import { listen, listenOnSocket, type Listening } from './listening.ts';
import type { Chat } from './door.ts';

/** A turn that has begun. */
export type Begun = Chat & { conversationId: string; turnId: string };

type Address = (turn: Begun) => string;

export interface Follower {
  name: string;
  follow(url: string, turn: Begun, init?: StreamInit): Promise<Listening>;
  /** Its address names the conversation, and not the turn alone. */
  byConversation?: true;
  /** Its line breaks are all the same. */
  changesBreaks?: true;
}

function follower(name: string, address: Address, hear: Hearing): Follower {
  return { name, follow: (url, turn, init = {}) => listen(url + address(turn), init, hear) };
}

export const FOLLOWERS: readonly Follower[] = [
  follower('GET /turns/{id}/events', ({ turnId }) => `/turns/${turnId}/events`, native),
  {
    ...follower(
      'GET /api/chat/{id}/stream',
      ({ conversationId, user }) => `/api/chat/${conversationId}/stream?user_id=${user}`,
      uiMessages,
    ),
    byConversation: true,
  },
  follower(
    'GET /v1/responses/{id}',
    ({ turnId }) => `/v1/responses/resp_${turnId}?stream=true`,
    responses,
  ),
  {
    ...follower(
      'GET /streams/turns/{id}',
      ({ turnId }) => `/streams/turns/${turnId}?live=sse`,
      durable,
    ),
    changesBreaks: true,
  },
  {
    name: 'a socket of the AI SDK',
    byConversation: true,
    follow: (url, { user, conversationId: id }) =>
      listenOnSocket(`${url}/ws/${user}`, {
        message: { type: 'resume', requestId: 'r1', id },
        protocol: 'ai-sdk-chat',
        hear: uiFrames,
      }),
  },
];

/** A call that is made of a turn. */
export interface Handle {
  name: string;
  method: string;
  path: Address;
}

export const STOPPERS: readonly Handle[] = [
  {
    name: 'POST /turns/{id}/cancel',
    method: 'POST',
    path: ({ turnId: id }) => `/turns/${id}/cancel`,
  },
  {
    name: 'POST /api/chat/{id}/stop',
    method: 'POST',
    path: ({ conversationId: id, user }) => `/api/chat/${id}/stop?user_id=${user}`,
  },
  {
    name: 'POST /v1/responses/{id}/cancel',
    method: 'POST',
    path: ({ turnId: id }) => `/v1/responses/resp_${id}/cancel`,
  },
];

const inConversation = (method: string, path: string, prefix = ''): Handle => ({
  name: `${method} ${path}/{id}`,
  method,
  path: ({ conversationId }) => `${path}/${prefix}${conversationId}`,
});

export const DELETERS: readonly Handle[] = [
  inConversation('DELETE', '/conversations'),
  inConversation('DELETE', '/chats'),
  inConversation('DELETE', '/chat/conversations'),
  inConversation('DELETE', '/v1/conversations', 'conv_'),
  {
    name: 'DELETE /v1/responses/{id}',
    method: 'DELETE',
    path: ({ turnId }) => `/v1/responses/resp_${turnId}`,
  },
];

/** A call that reads a conversation, and the texts of it that are shown, oldest first. */
export interface Reader extends Handle {
  texts(body: string): string[];
  /** Only the answer is shown. */
  isAnswerAlone?: true;
}

const contents = (list: unknown) => asArray(list).map((each) => asText(asRecord(each)['content']));
const partTexts = (given: unknown, field: string) =>
  asArray(asRecord(given)[field])
    .map((part) => asText(asRecord(part)['text']))
    .join('');

const get = (name: string, path: Address): Handle => ({ name: `GET ${name}`, method: 'GET', path });

export const READERS: readonly Reader[] = [
  {
    ...inConversation('GET', '/conversations'),
    texts: (body) => contents(asRecord(parseJson(body))['messages']),
  },
  {
    ...get('/chats/{id}/messages', ({ conversationId }) => `/chats/${conversationId}/messages`),
    texts: (body) => contents(parseJson(body)),
  },
  {
    ...get(
      '/chat/conversations/{id}/messages',
      ({ conversationId }) => `/chat/conversations/${conversationId}/messages`,
    ),
    texts: (body) => contents(parseJson(body)),
  },
  {
    ...get(
      '/conversations/{id}?format=ui',
      ({ conversationId }) => `/conversations/${conversationId}?format=ui`,
    ),
    texts: (body) =>
      asArray(asRecord(parseJson(body))['messages']).map((each) => partTexts(each, 'parts')),
  },
  {
    ...get(
      '/v1/conversations/{id}/items',
      ({ conversationId }) => `/v1/conversations/conv_${conversationId}/items?order=asc&limit=100`,
    ),
    texts: (body) =>
      asArray(asRecord(parseJson(body))['data']).map((each) => partTexts(each, 'content')),
  },
  {
    ...get('/v1/responses/{id}', ({ turnId }) => `/v1/responses/resp_${turnId}`),
    texts: (body) =>
      asArray(asRecord(parseJson(body))['output']).map((each) => partTexts(each, 'content')),
    isAnswerAlone: true,
  },
  {
    ...get('/turns/{id}', ({ turnId }) => `/turns/${turnId}`),
    texts: (body) => contents([asRecord(parseJson(body))['message']]),
    isAnswerAlone: true,
  },
  {
    ...get('/streams/turns/{id}', ({ turnId }) => `/streams/turns/${turnId}`),
    texts: (body) => [body],
    isAnswerAlone: true,
  },
];
