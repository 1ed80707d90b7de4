import { describe, expect, it } from 'vitest';
import { aMessage, anId, aNumber, aTime, ways } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

interface Chat {
  id: string;
}

describe.each(ways)('chats, with $name', ({ slash, newUser, says }) => {
  const create = (json: object) => target.call<Chat>(`/chats${slash}`, { json });

  it('makes, lists, reads, renames and deletes', async () => {
    const user_id = newUser();
    const owner = String(user_id);
    const made = await create({ user_id, title: 'A chat' });
    expect(made.status).toBe(200);
    const { id } = made.json;
    const shape = { id: anId, user_id: owner, created_at: aTime, updated_at: aTime };
    expect(made.json).toMatchObject({ ...shape, title: 'A chat' });
    expect(made.headers.location).toBe(`/chats/${id}`);

    const list = await target.call(`/chats${slash}?user_id=${owner}`);
    expect(list.status).toBe(200);
    expect(list.json).toEqual([expect.objectContaining({ ...shape, id, title: 'A chat' })]);

    const read = await target.call(`/chats/${id}${slash}?user_id=${owner}`);
    expect(read).toMatchObject({ status: 200, json: { ...shape, id, title: 'A chat' } });

    const renamed = await target.call(`/chats/${id}${slash}`, {
      method: 'PATCH',
      json: { title: 'Renamed' },
    });
    expect(renamed).toMatchObject({ status: 200, json: { ...shape, id, title: 'Renamed' } });

    const deleted = await target.call(`/chats/${id}${slash}`, { method: 'DELETE' });
    expect(deleted.status).toBe(200);
    expect(deleted.json).toEqual({ detail: `Conversation ${id} deleted successfully` });
    expect((await target.call(`/chats/${id}${slash}`)).status).toBe(404);
    expect((await target.call(`/chats/${id}/messages${slash}`)).status).toBe(404);
  });

  it('has no title before there is a message', async () => {
    expect((await create({ user_id: newUser() })).json).toMatchObject({ title: null });
  });

  it('answers', async () => {
    const user_id = newUser();
    const { json: chat } = await create({ user_id });
    const answer = await target.call<{ message_id: string }>(`/chat${slash}`, {
      json: { chat_id: chat.id, user_id, ...says('what now'), model: 'fast' },
    });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      chat_id: chat.id,
      message_id: anId,
      role: 'assistant',
      content: 'You said: what now',
      model: 'groq/llama-3.1-8b-instant',
      tokens_used: aNumber,
      created_at: aTime,
    });
    expect(answer.headers['x-turn-id']).toEqual(anId);
    const listed = await target.call(`/chats/${chat.id}/messages${slash}?user_id=${user_id}`);
    expect(listed.status).toBe(200);
    expect(listed.json).toMatchObject([
      aMessage({ role: 'user', content: 'what now', sequence_number: 1 }),
      {
        ...aMessage({ role: 'assistant', content: 'You said: what now', sequence_number: 2 }),
        id: answer.json.message_id,
      },
    ]);
    expect((await target.call(`/chats/${chat.id}${slash}`)).json).toMatchObject({
      title: 'What now',
    });
  });
});

it.each([
  ['fast', 'groq/llama-3.1-8b-instant'],
  ['smart', 'groq/openai/gpt-oss-120b'],
  ['google/gemini-of-tests', 'google/gemini-of-tests'],
  ['openai/anything-at-all', 'openai/anything-at-all'],
  ['offline', 'offline/offline'],
])('asks %s, which is %s', async (model, name) => {
  const user_id = unique();
  const { json: chat } = await target.call<Chat>('/chats', { json: { user_id } });
  const { status, json } = await target.call<{ content: string }>('/chat', {
    json: { chat_id: chat.id, user_id, message: 'who are you', model },
  });
  expect(status).toBe(200);
  expect(json).toMatchObject({ model: name });
  expect(json.content).toContain('who are you');
});
