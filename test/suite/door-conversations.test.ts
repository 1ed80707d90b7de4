import { describe, expect, it } from 'vitest';
import { aMessage, anId, aNumber, aTime, ways } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

interface Conversation {
  conversation_id: string;
  title: string | null;
  messages: { role: string; content: string; sequence_number: number }[];
}

describe.each(ways)('conversations, with $name', ({ slash, newUser, says }) => {
  const create = (json: object) =>
    target.call<Conversation & { assistant_reply?: string }>(`/conversations${slash}`, { json });

  it('starts one without a message', async () => {
    const user_id = newUser();
    const { status, headers, json } = await create({ user_id });
    expect(status).toBe(200);
    expect(json).toMatchObject({ conversation_id: anId, title: null, created_at: aTime });
    expect(json).not.toHaveProperty('assistant_reply');
    expect(headers.location).toBe(`/conversations/${json.conversation_id}`);
    const read = await target.call(`${headers.location ?? ''}${slash}?user_id=${user_id}`);
    expect(read).toMatchObject({ status: 200, json: { title: null, mode: 'open', messages: [] } });
  });

  it('starts one with a message and answers it', async () => {
    const user_id = newUser();
    const { status, headers, json } = await create({ user_id, ...says('hello out there') });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      conversation_id: anId,
      title: 'Hello out there',
      created_at: aTime,
      assistant_reply: 'You said: hello out there',
    });
    expect(headers.location).toBe(`/conversations/${json.conversation_id}`);
    expect(headers['x-turn-id']).toEqual(anId);
  });

  it('says something in one, and reads it', async () => {
    const user_id = newUser();
    const { json: made } = await create({ user_id, title: 'Named', mode: 'open' });
    const id = made.conversation_id;
    const posted = await target.call<{ messages: unknown[] }>(
      `/conversations/${id}/messages${slash}`,
      { json: { user_id, ...says('first') } },
    );
    const both = [
      aMessage({ role: 'user', content: 'first', sequence_number: 1 }),
      aMessage({ role: 'assistant', content: 'You said: first', sequence_number: 2 }),
    ];
    expect(posted.status).toBe(200);
    expect(posted.json).toMatchObject({
      conversation_id: id,
      assistant_reply: 'You said: first',
      messages: both,
    });
    const listed = await target.call(`/conversations/${id}/messages${slash}`);
    expect(listed).toMatchObject({ status: 200, json: both });
    const read = await target.call(`/conversations/${id}${slash}`);
    expect(read.status).toBe(200);
    expect(read.json).toMatchObject({
      conversation_id: id,
      title: 'Named',
      mode: 'open',
      messages: both,
    });
  });

  it('lists, changes and deletes', async () => {
    const user_id = newUser();
    const { json: made } = await create({ user_id, ...says('to be changed') });
    const address = `/conversations/${made.conversation_id}${slash}`;
    const list = await target.call(`/conversations${slash}?user_id=${user_id}`);
    expect(list.status).toBe(200);
    expect(list.json).toEqual([
      expect.objectContaining({
        conversation_id: made.conversation_id,
        title: 'To be changed',
        created_at: aTime,
        updated_at: aTime,
        message_count: 2,
        mode: 'open',
      }),
    ]);
    const change = {
      title: 'Changed',
      mode: 'rag',
      model: 'offline',
      instructions: 'Answer briefly.',
    };
    const patched = await target.call(address, { method: 'PATCH', json: { user_id, ...change } });
    expect(patched.status).toBe(200);
    expect(patched.json).toMatchObject({ conversation_id: made.conversation_id, ...change });
    expect((await target.call(address)).json).toMatchObject(change);
    const deleted = await target.call(address, { method: 'DELETE' });
    expect(deleted.status).toBe(200);
    expect(deleted.json).toEqual({
      detail: `Conversation ${made.conversation_id} deleted successfully`,
    });
    expect((await target.call(address)).status).toBe(404);
    expect((await target.call(`/conversations${slash}?user_id=${user_id}`)).json).toEqual([]);
  });

  it('streams by EventSource', async () => {
    const { json: made } = await create({ user_id: newUser() });
    const stream = await target.stream(
      `/conversations/${made.conversation_id}/stream${slash}?${new URLSearchParams(says('by stream'))}`,
    );
    expect(stream.status).toBe(200);
    const { events, ended } = await stream.collect();
    expect(ended).toBe('end');
    expect(events.at(0)?.type).toBe('turn.started');
    expect(events.at(-2)?.type).toBe('turn.completed');
    expect(events.at(-1)).toMatchObject({ type: 'done', data: '[DONE]' });
    const text = events
      .filter(({ type }) => type === 'message.delta')
      .map(({ data }) => (JSON.parse(data) as { text: string }).text)
      .join('');
    expect(text).toBe('You said: by stream');
  });

  it.each(['', '/start'])(
    'says where the new conversation is before it streams: %s',
    async (door) => {
      const started = await target.stream(`/conversations${door}${slash}`, {
        json: { user_id: newUser(), ...says('begin'), stream: true },
      });
      expect(started.headers).toMatchObject({
        location: `/conversations/${String(started.headers['x-conversation-id'])}`,
        'x-conversation-id': anId,
        'x-turn-id': anId,
      });
      await started.collect();
      expect((await target.call(`${String(started.headers.location)}${slash}`)).status).toBe(200);
    },
  );

  it('speaks the second dialect', async () => {
    const user_id = newUser();
    const started = await target.call<{ conversation_id: string }>(`/conversations/start${slash}`, {
      json: { user_id, ...says('begin') },
    });
    expect(started.status).toBe(200);
    expect(started.json).toMatchObject({ conversation_id: anId, reply: 'You said: begin' });
    const id = started.json.conversation_id;
    expect(started.headers.location).toBe(`/conversations/${id}`);
    const replied = await target.call(`/conversations/${id}/message${slash}`, {
      json: says('go on'),
    });
    expect(replied).toMatchObject({ status: 200, json: { reply: 'You said: go on' } });
    const { json } = await target.call<Conversation>(`/conversations/${id}${slash}`);
    expect(json.messages.map(({ content }) => content)).toEqual([
      'begin',
      'You said: begin',
      'go on',
      'You said: go on',
    ]);
  });
});

it('takes title, mode, model and instructions at the start, and the model hears the instructions', async () => {
  const model = unique('model');
  const { json } = await target.call<Conversation>('/conversations', {
    json: {
      user_id: unique(),
      message: 'hi',
      title: 'Mine',
      model: `openai/${model}`,
      instructions: 'Be kind.',
    },
  });
  expect(json).toMatchObject({ title: 'Mine', assistant_reply: 'You said: hi' });
  const [asked] = await target.upstream.requests(model);
  expect(asked?.body).toMatchObject({
    messages: [
      { role: expect.stringMatching(/system|developer/u) as unknown, content: 'Be kind.' },
      { role: 'user', content: 'hi' },
    ],
  });
  const again = await target.call(`/conversations/${json.conversation_id}/messages`, {
    json: { message: 'more' },
  });
  expect(again.status).toBe(200);
  expect(await target.upstream.requests(model)).toHaveLength(2);
});

it('tells what was said when the conversation is deleted in mid-turn', async () => {
  const model = unique('model');
  await target.upstream.script(model, {
    text: 'one two three four five six',
    delayMs: { between: 700 },
  });
  const { json: made } = await target.call<Conversation>('/conversations', {
    json: { user_id: unique() },
  });
  const address = `/conversations/${made.conversation_id}`;
  const answering = target.call(`${address}/messages`, {
    json: { message: 'going, going', model: `openai/${model}` },
  });
  const stored = async () => (await target.call<Conversation>(address)).json.messages[1]?.content;
  await expect.poll(stored, { timeout: 10_000, interval: 50 }).toMatch(/^one/u);
  expect((await target.call(address, { method: 'DELETE' })).status).toBe(200);
  const answer = await answering;
  expect(answer.status, answer.text).toBe(200);
  expect(answer.headers).toMatchObject({
    'x-turn-id': anId,
    'x-conversation-id': made.conversation_id,
  });
  const said = expect.stringMatching(/^one/u) as unknown;
  expect(answer.json).toMatchObject({
    conversation_id: made.conversation_id,
    assistant_reply: said,
    status: 'cancelled',
    messages: [
      aMessage({ role: 'user', content: 'going, going', sequence_number: 1 }),
      { role: 'assistant', content: said, status: 'cancelled', sequence_number: 2 },
    ],
  });
});

it('counts the tokens as the model service reports them', async () => {
  const model = unique('model');
  await target.upstream.script(model, {
    text: 'four little words here',
    usage: { input: 31, output: 41 },
  });
  const { json } = await target.call<{ conversation_id: string }>('/conversations', {
    json: { user_id: unique(), message: 'count', model: `openai/${model}` },
  });
  const { json: messages } = await target.call(`/conversations/${json.conversation_id}/messages`);
  expect(messages).toMatchObject([
    { role: 'user', tokens_used: aNumber, tokens_estimated: true },
    { role: 'assistant', tokens_used: 41, tokens_estimated: false },
  ]);
});
