/** Whose it is: the user may be named in the body or the query, and who is named must be the owner. */
import { beforeAll, describe, expect, test } from 'vitest';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

interface Ids {
  owner: string;
  conversation: string;
  turn: string;
}

async function conversationWithTurn(): Promise<Ids> {
  const owner = unique('owner');
  const made = await target.call<{ conversation_id: string; turn_id: string }>('/conversations', {
    method: 'POST',
    json: { user_id: owner, message: 'Mine', model: 'offline' },
  });
  return { owner, conversation: made.json.conversation_id, turn: made.json.turn_id };
}

describe('a user named in the query alone', () => {
  test.each([
    ['/conversations', {}],
    ['/conversations', { message: 'Hello', model: 'offline' }],
    ['/conversations/start', { message: 'Hello' }],
    ['/chats', {}],
    ['/chat/conversations', {}],
    ['/documents', { text: 'Something to keep' }],
    ['/retrieve', { query: 'something' }],
  ])('is whom POST %s is for', async (path, json) => {
    const user = unique('query');
    const answer = await target.call(`${path}?user_id=${user}`, { method: 'POST', json });
    expect(answer.status).toBe(200);
    if (path === '/retrieve' || path === '/documents') return;
    const list = await target.call<unknown[]>(`/conversations?user_id=${user}`);
    expect(list.json).toHaveLength(1);
  });
});

describe('a user named in neither', () => {
  test.each([
    ['/conversations', {}],
    ['/conversations/start', { message: 'Hello' }],
    ['/chats', {}],
    ['/chat/conversations', {}],
    ['/documents', { text: 'Something to keep' }],
    ['/retrieve', { query: 'something' }],
  ])('makes POST %s a 400', async (path, json) => {
    const answer = await target.call<{ code: string }>(path, { method: 'POST', json });
    expect(answer.status).toBe(400);
    expect(answer.json.code).toBe('invalid_request');
  });
});

describe('two different users named', () => {
  let ids: Ids;
  beforeAll(async () => {
    ids = await conversationWithTurn();
  });

  const calls: [string, (ids: Ids) => [string, string, Record<string, unknown>?]][] = [
    [
      'a stranger in the query of POST /chat',
      ({ owner, conversation }) => [
        'POST',
        '/chat?user_id=stranger',
        { user_id: owner, chat_id: conversation, message: 'Hi' },
      ],
    ],
    [
      'a stranger in the query of POST messages',
      ({ owner, conversation }) => [
        'POST',
        `/conversations/${conversation}/messages?user_id=stranger`,
        { user_id: owner, message: 'Hi' },
      ],
    ],
    [
      'a stranger in the body of POST cancel',
      ({ turn }) => ['POST', `/turns/${turn}/cancel`, { user_id: 'stranger' }],
    ],
    [
      'a stranger in the body of DELETE',
      ({ conversation }) => ['DELETE', `/conversations/${conversation}`, { user_id: 'stranger' }],
    ],
    [
      'a stranger in the body of PATCH',
      ({ owner, conversation }) => [
        'PATCH',
        `/chats/${conversation}?user_id=${owner}`,
        { user_id: 'stranger', title: 'Taken' },
      ],
    ],
  ];

  test.each(calls)('find nothing: %s', async (_, callOf) => {
    const [method, path, json] = callOf(ids);
    const answer = await target.call<{ code: string }>(path, { method, json });
    expect(answer.status).toBe(404);
    expect(answer.json.code).toBe('not_found');
    const kept = await target.call<{ title: string; messages: unknown[] }>(
      `/conversations/${ids.conversation}`,
    );
    expect(kept.json).toMatchObject({ title: 'Mine' });
    expect(kept.json.messages).toHaveLength(2);
  });

  test('are one when they are the same, as a string or an integer', async () => {
    const made = await target.call<{ id: string }>('/chats?user_id=7', {
      method: 'POST',
      json: { user_id: 7 },
    });
    expect(made.status).toBe(200);
    const answer = await target.call('/chat?user_id=7', {
      method: 'POST',
      json: { user_id: 7, chat_id: made.json.id, message: 'Hi', model: 'offline' },
    });
    expect(answer.status).toBe(200);
  });
});
