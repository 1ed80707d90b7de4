/**
 * Whose it is: the user may be named in the body or the query, and who is named must be the owner.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { aProblem } from './shapes.ts';
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

describe('a stranger in a body', () => {
  let ids: Ids;
  beforeAll(async () => {
    ids = await conversationWithTurn();
  });

  const calls: [string, (ids: Ids) => [string, object]][] = [
    ['POST', ({ turn }) => [`/turns/${turn}/cancel`, {}]],
    ['PATCH', ({ conversation }) => [`/conversations/${conversation}`, { title: 'Taken' }]],
    ['POST', ({ conversation }) => [`/conversations/${conversation}/messages`, { message: 'Hi' }]],
    ['DELETE', ({ conversation }) => [`/chats/${conversation}`, {}]],
  ];
  const types = ['Application/JSON', 'APPLICATION/JSON; charset=utf-8', 'application/ld+json'];

  test.each(types.flatMap((type) => calls.map(([method, of]) => [type, method, of] as const)))(
    'finds nothing under the type %s: %s',
    async (type, method, callOf) => {
      const [path, json] = callOf(ids);
      const rawBody = JSON.stringify({ user_id: 'stranger', ...json });
      const headers = { 'content-type': type };
      const answer = await target.call(path, { method, rawBody, headers });
      expect(answer.json).toMatchObject(aProblem(404, 'not_found'));
    },
  );

  test.each([
    ['POST', ({ turn }: Ids) => `/turns/${turn}/cancel`],
    ['DELETE', ({ conversation }: Ids) => `/conversations/${conversation}`],
  ])('finds nothing under no type: %s', async (method, pathOf) => {
    const rawBody = JSON.stringify({ user_id: 'stranger' });
    const answer = await target.call(pathOf(ids), { method, rawBody });
    expect(answer.json).toMatchObject(aProblem(404, 'not_found'));
  });

  test('is no stranger to a type in capitals where it makes something', async () => {
    const rawBody = JSON.stringify({ user_id: unique('user') });
    const headers = { 'content-type': 'Application/JSON' };
    const answers = await Promise.all(
      ['/conversations', '/chats', '/chat/conversations'].map((path) =>
        target.call(path, { method: 'POST', rawBody, headers }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  });
});

describe('what is nobody’s name', () => {
  const posts = [
    ['/documents', { text: 'Something to keep' }],
    ['/retrieve', { query: 'something' }],
    ['/conversations', {}],
  ] as const;
  const names = ['a%00b', 'x'.repeat(201), ''];

  test.each(posts.flatMap(([path, json]) => names.map((name) => [path, name, json] as const)))(
    'is refused in the query of POST %s: %s',
    async (path, name, json) => {
      const answer = await target.call(`${path}?user_id=${name}`, { method: 'POST', json });
      expect(answer.json).toMatchObject({
        ...aProblem(400, 'invalid_request'),
        errors: [{ path: 'user_id' }],
      });
    },
  );

  test.each(posts)('is two names in the query of POST %s', async (path, json) => {
    const answer = await target.call(`${path}?user_id=one&user_id=two`, { method: 'POST', json });
    expect(answer.json).toMatchObject(aProblem(404, 'not_found'));
  });

  test.each([[['stranger']], [{}], [null], [true], [1.5], ['a\0b'], ['']])(
    'is refused in the body of calls that need none: %j',
    async (name) => {
      const { conversation, turn } = await conversationWithTurn();
      const json = { user_id: name };
      const answers = [
        await target.call(`/turns/${turn}/cancel`, { method: 'POST', json }),
        await target.call(`/conversations/${conversation}`, { method: 'DELETE', json }),
      ];
      for (const answer of answers)
        expect(answer.json).toMatchObject({
          ...aProblem(400, 'invalid_request'),
          errors: [{ path: 'user_id' }],
        });
    },
  );
});
