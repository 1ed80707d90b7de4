/** OpenAI's conversations and their items: its own package against the server. */
import type OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { openAiClient } from './openai-client.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, type MessageJson } from './turns.ts';

const target = suiteTarget();

const clientOf = (user: string) => openAiClient(target, user);

const tokens = ['Once ', 'upon ', 'a ', 'time'];
const answer = tokens.join('');
const question = { role: 'user' as const, content: 'Hello' };
const greeting = { role: 'assistant' as const, content: 'Hello back' };

async function stored(id: string) {
  const path = `/conversations/${id.replace(/^conv_/u, '')}/messages`;
  const { json } = await target.call<MessageJson[]>(path);
  return json.map(({ role, content }) => `${role}: ${content}`);
}

async function listed(client: OpenAI, id: string, query: { order?: 'asc'; limit?: number } = {}) {
  const items = [];
  for await (const item of client.conversations.items.list(id, query)) items.push(item);
  return items;
}

describe.concurrent('a conversation', () => {
  it('is made with items and metadata, read, changed and deleted', async ({ expect }) => {
    const owner = unique('user');
    const { conversations } = clientOf(owner);
    const made = await conversations.create({
      items: [{ role: 'developer', content: 'Be brief' }, question, greeting],
      metadata: { topic: 'tales' },
    });
    expect(made).toEqual({
      id: expect.stringMatching(/^conv_/u),
      object: 'conversation',
      created_at: expect.any(Number),
      metadata: { topic: 'tales' },
    });
    expect(await stored(made.id)).toEqual(['user: Hello', 'assistant: Hello back']);
    const native = await target.call<object[]>(`/conversations?user_id=${owner}`);
    expect(native.json).toMatchObject([{ title: 'Hello', instructions: 'Be brief' }]);

    const changed = await conversations.update(made.id, { metadata: { topic: 'songs' } });
    expect(changed).toEqual({ ...made, metadata: { topic: 'songs' } });
    expect(await conversations.retrieve(made.id)).toEqual(changed);
    expect(await conversations.delete(made.id)).toEqual({
      id: made.id,
      object: 'conversation.deleted',
      deleted: true,
    });
    await expect(conversations.retrieve(made.id)).rejects.toMatchObject({ status: 404 });
  });

  it('has a list of its items when there are none', async () => {
    const { id } = await clientOf(unique('user')).conversations.create({});
    const { json } = await target.call(`/v1/conversations/${id}/items`);
    expect(json).toEqual({ object: 'list', data: [], first_id: '', last_id: '', has_more: false });
  });

  it('takes responses and items in turn, and lists them from either end', async ({ expect }) => {
    const { model, name } = await scripted(target, { tokens });
    const client = clientOf(unique('user'));
    const { items } = client.conversations;
    const { id: conversation } = await client.conversations.create();
    const begun = await items.create(conversation, { items: [question, greeting] });
    expect(begun.data.map((item) => 'role' in item && item.role)).toEqual(['user', 'assistant']);
    await client.responses.create({ model, conversation, input: 'A tale' });
    expect(JSON.stringify((await target.upstream.requests(name)).at(-1)?.body)).toContain('back');

    const all = await listed(client, conversation, { order: 'asc', limit: 1 });
    expect(all.map((item) => 'role' in item && item.role)).toEqual([
      ...['user', 'assistant', 'user', 'assistant'],
    ]);
    expect(await listed(client, conversation, { limit: 3 })).toEqual(all.toReversed());
    const last = all.at(-1)?.id ?? '';
    expect(await items.retrieve(last, { conversation_id: conversation })).toEqual(all.at(-1));
    expect(await stored(conversation)).toEqual([
      'user: Hello',
      'assistant: Hello back',
      'user: A tale',
      `assistant: ${answer}`,
    ]);

    // What something follows stays; the newest goes first.
    const first = items.delete(begun.first_id, { conversation_id: conversation });
    await expect(first).rejects.toMatchObject({ status: 400 });
    await items.delete(last, { conversation_id: conversation });
    expect(await stored(conversation)).toHaveLength(3);
  });

  it('keeps what was answered in it once, though its client adds it again', async () => {
    const { model } = await scripted(target, { tokens });
    const client = clientOf(unique('user'));
    const { id: conversation } = await client.conversations.create({ items: [question, greeting] });
    const before = await listed(client, conversation, { order: 'asc' });
    const input = [...before, { role: 'user', content: 'A tale' }];
    // What a list gave is sent back as it came.
    const asked = input as OpenAI.Responses.ResponseInput;
    const { output } = await client.responses.create({ model, input: asked });
    const news = [...asked.slice(-1), ...(output as OpenAI.Responses.ResponseInput)];
    const added = await client.conversations.items.create(conversation, { items: news });
    expect(added.data.map(({ id }) => id)).toEqual([expect.any(String), output[0]?.id]);
    expect(await stored(conversation)).toEqual([
      'user: Hello',
      'assistant: Hello back',
      'user: A tale',
      `assistant: ${answer}`,
    ]);
  });

  it('keeps calls of functions, which the next response answers', async () => {
    const { model, name } = await scripted(target, { tokens });
    const client = clientOf(unique('user'));
    const call_id = 'call_rome';
    const call = { type: 'function_call' as const, call_id, name: 'get_weather', arguments: '{}' };
    const { id: conversation } = await client.conversations.create({ items: [question, call] });
    const output = { type: 'function_call_output' as const, call_id, output: 'rain' };
    const response = await client.responses.create({ model, conversation, input: [output] });
    expect(response.output_text).toBe(answer);
    const sent = JSON.stringify((await target.upstream.requests(name)).at(-1)?.body);
    expect(sent).toContain('get_weather');
    const types = (await listed(client, conversation, { order: 'asc' })).map(({ type }) => type);
    expect(types).toEqual(['message', 'function_call', 'function_call_output', 'message']);
  });

  it('takes nothing while a turn runs in it', async () => {
    const { model } = await scripted(target, { tokens, fault: { how: 'stall', afterTokens: 1 } });
    const { conversations, responses } = clientOf(unique('user'));
    const { id: conversation } = await conversations.create();
    const asked = { model, conversation, input: 'A tale', background: true };
    const { id } = await responses.create(asked);
    const path = `/v1/conversations/${conversation}/items`;
    const { status } = await target.call(path, { json: { items: [question] } });
    expect(status).toBe(409);
    await responses.cancel(id);
  });

  it('is nobody else’s, and takes no instructions later', async ({ expect }) => {
    const made = await clientOf(unique('user')).conversations.create({});
    const other = clientOf(unique('other'));
    await expect(other.conversations.retrieve(made.id)).rejects.toMatchObject({ status: 404 });
    const path = `/v1/conversations/${made.id}/items`;
    const items = [{ role: 'system', content: 'Be brief' }];
    expect((await target.call(path, { json: { items } })).status).toBe(400);
    expect((await target.call(`${path}?after=msg_a`, {})).status).toBe(400);
    expect((await target.call(`${path}?limit=101`, {})).status).toBe(400);
  });
});
