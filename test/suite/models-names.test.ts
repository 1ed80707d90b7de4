/** Aliases, `provider/model`, and names that nothing answers to. */
import { describe, expect, it } from 'vitest';
import { suiteTarget, unique } from './target.ts';
import { conversation, hear, scripted, storedMessages, type ProblemJson } from './turns.ts';

const target = suiteTarget();

interface Listing {
  id: string;
  model?: string;
  provider: string;
}

async function startedModel(model: string | undefined, conversationId?: string) {
  const path = conversationId ? `/conversations/${conversationId}/messages` : '/conversations';
  const json = { user_id: unique('user'), message: 'Hi', ...(model && { model }) };
  const id = conversationId === undefined ? {} : { user_id: undefined };
  const heard = await hear(await target.stream(path, { json: { ...json, ...id } }));
  expect(heard.end.message.model).toBe(heard.started.model);
  return heard.started.model;
}

it.each([
  ['fast', 'groq/llama-3.1-8b-instant'],
  ['smart', 'groq/openai/gpt-oss-120b'],
  ['offline', 'offline/offline'],
  ['groq/openai/gpt-oss-120b', 'groq/openai/gpt-oss-120b'],
  [undefined, 'openai/default'],
])('%s is %s', async (name, model) => {
  expect(await startedModel(name)).toBe(model);
});

it('lists what is on, aliases with what they stand for', async () => {
  const { status, json } = await target.call<Listing[]>('/models');
  expect(status).toBe(200);
  const list = Array.isArray(json) ? json : (json as { models: Listing[] }).models;
  expect(list).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ id: 'fast', model: 'groq/llama-3.1-8b-instant' }),
      expect.objectContaining({ id: 'smart', model: 'groq/openai/gpt-oss-120b' }),
      expect.objectContaining({ id: 'offline' }),
      expect.objectContaining({ id: 'groq/openai/gpt-oss-120b', provider: 'groq' }),
    ]),
  );
});

describe.concurrent('a name that nothing answers to', () => {
  const unknown = [
    'fastest',
    'anthropic/claude',
    'openai/',
    '/x',
    'openai',
    '__proto__',
    'constructor',
    'fast/',
  ];

  it.each(unknown)('%s is refused, names what is on, and changes nothing', async (model) => {
    const user_id = unique('user');
    const id = await conversation(target, { user_id });
    const calls: [string, Record<string, unknown>][] = [
      ['/conversations', { user_id, message: 'Hi', model }],
      ['/conversations', { user_id, model }],
      ['/conversations/start', { user_id, message: 'Hi', model }],
      [`/conversations/${id}/messages`, { message: 'Hi', model }],
      [`/conversations/${id}/message`, { message: 'Hi', model }],
      ['/chat', { chat_id: id, user_id, message: 'Hi', model }],
      ['/chats', { user_id, model }],
      [`/chat/conversations/${id}/messages`, { content: 'Hi', model }],
    ];
    for (const [path, json] of calls) {
      const { status, json: problem } = await target.call<ProblemJson>(path, { json });
      expect({ path, status, code: problem.code }).toEqual({
        path,
        status: 400,
        code: 'unknown_model',
      });
      for (const name of ['fast', 'smart', 'offline', 'groq/', 'openai/', 'google/']) {
        expect(problem.detail).toContain(name);
      }
      expect(problem.errors?.[0]?.path).toBe('model');
    }
    for (const door of ['/conversations', '/chat/conversations']) {
      const query = new URLSearchParams({ message: 'Hi', model });
      const { status } = await target.call(`${door}/${id}/stream?${query}`);
      expect(status).toBe(400);
    }
    const patched = await target.call(`/conversations/${id}`, { method: 'PATCH', json: { model } });
    expect(patched.status).toBe(400);
    expect(await storedMessages(target, id)).toEqual([]);
    const { json: all } = await target.call<unknown[]>(`/conversations?user_id=${user_id}`);
    expect(all).toHaveLength(1);
  });

  it('is told to a socket', async () => {
    const socket = await target.socket(`/ws/${unique('user')}`);
    socket.send({ message: 'Hi', model: 'fastest' });
    const { problem } = await socket.next('error');
    expect(problem).toMatchObject({ code: 'unknown_model', status: 400 });
    socket.close();
  });
});

it('a conversation keeps its model; one turn may have another', async () => {
  const [own, other] = await Promise.all([
    scripted(target, { text: 'own' }),
    scripted(target, { text: 'other' }, 'groq'),
  ]);
  const id = await conversation(target, { model: own.model });
  expect(await startedModel(undefined, id)).toBe(own.model);
  expect(await startedModel(other.model, id)).toBe(other.model);
  expect(await startedModel(undefined, id)).toBe(own.model);
  await target.call(`/conversations/${id}`, { method: 'PATCH', json: { model: other.model } });
  expect(await startedModel(undefined, id)).toBe(other.model);
  await target.call(`/conversations/${id}`, { method: 'PATCH', json: { model: null } });
  expect(await startedModel(undefined, id)).toBe('openai/default');
  const answers = (await storedMessages(target, id)).filter(({ role }) => role === 'assistant');
  expect(answers.map(({ model }) => model)).toEqual([
    own.model,
    other.model,
    own.model,
    other.model,
    'openai/default',
  ]);
});
