/** The API for clients of OpenAI: its own package against the server. */
import type OpenAI from 'openai';
import { APIError } from 'openai';
import { describe, expect, it, vi } from 'vitest';
import { openAiClient } from './openai-client.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, type MessageJson } from './turns.ts';

const target = suiteTarget();

type Said = OpenAI.ChatCompletionMessageParam;

const clientOf = (user: string, headers?: Record<string, string>) =>
  openAiClient(target, user, headers);

interface ConversationJson {
  conversation_id: string;
  client_id?: string;
  message_count: number;
}

async function conversations(user: string): Promise<ConversationJson[]> {
  return (await target.call<ConversationJson[]>(`/conversations?user_id=${user}`)).json;
}

async function tree(id: string): Promise<MessageJson[]> {
  return (await target.call<MessageJson[]>(`/conversations/${id}/messages?tree=true`)).json;
}

const user = (content: string): Said => ({ role: 'user', content });
const assistant = (content: string): Said => ({ role: 'assistant', content });
const tokens = ['Once ', 'upon ', 'a ', 'time 😀'];
const answer = tokens.join('');

describe.concurrent('a chat completion', () => {
  it('answers whole and in chunks, with the tokens that were used', async () => {
    const { model } = await scripted(target, { tokens, reasoning: ['Hm.'] });
    const name = unique('user');
    const client = clientOf(name);
    const whole = await client.chat.completions.create({ model, messages: [user('Tell me')] });
    expect(whole).toMatchObject({
      object: 'chat.completion',
      model,
      choices: [{ message: { role: 'assistant', content: answer }, finish_reason: 'stop' }],
      usage: { completion_tokens: expect.any(Number) },
    });

    const stream = client.chat.completions.stream({
      model,
      messages: [user('Tell me more')],
      stream_options: { include_usage: true },
    });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0]?.message.content).toBe(answer);
    expect(final.usage?.total_tokens).toBeGreaterThan(0);
    expect(await conversations(name)).toHaveLength(2);
  });

  it('finds the conversation again by what was said', async () => {
    const { model, name: upstream } = await scripted(target, { tokens });
    const name = unique('user');
    const client = clientOf(name);
    const messages: Said[] = [{ role: 'system', content: 'Be brief' }];
    for (const question of ['first', 'second', 'third']) {
      messages.push(user(question));
      const { choices } = await client.chat.completions.create({ model, messages });
      // Clients trim what they show.
      messages.push(assistant(` ${choices[0]?.message.content}\n`));
    }
    const [only, ...others] = await conversations(name);
    expect(others).toEqual([]);
    const stored = await tree(only?.conversation_id ?? '');
    expect(stored.map(({ content }) => content)).toEqual([
      'first',
      answer,
      'second',
      answer,
      'third',
      answer,
    ]);
    const body = JSON.stringify((await target.upstream.requests(upstream)).at(-1)?.body);
    expect(body).toContain('Be brief');
  });

  it('makes siblings of what is edited or asked again, and a branch of a shortened history', async () => {
    const { model } = await scripted(target, { tokens });
    const name = unique('user');
    const ask = (...messages: Said[]) =>
      clientOf(name).chat.completions.create({ model, messages });
    await ask(user('first'));
    await ask(user('first'), assistant(answer), user('second'));
    await ask(user('first'), assistant(answer), user('second, edited'));
    await ask(user('first'), assistant(answer), user('second'));

    const [only, ...others] = await conversations(name);
    expect(others).toEqual([]);
    const stored = await tree(only?.conversation_id ?? '');
    const summary = stored.map(({ role, content, siblings }) =>
      role === 'user' ? `${content} ${siblings.index}/${siblings.count}` : siblings.count,
    );
    expect(summary).toEqual(['first 1/1', 1, 'second 1/2', 2, 'second, edited 2/2', 1, 2]);
  });

  it('keeps a history that it has never seen, and attaches to no doubtful one', async () => {
    const { model, name: upstream } = await scripted(target, { tokens });
    const name = unique('user');
    const client = clientOf(name);
    await client.chat.completions.create({ model, messages: [user('first')] });
    const messages = [user('first'), assistant('something else'), user('second')];
    await client.chat.completions.create({ model, messages });
    await client.chat.completions.create({ model, messages });

    const all = await conversations(name);
    expect(all.map(({ message_count }) => message_count)).toEqual([4, 2]);
    const stored = await tree(all[0]?.conversation_id ?? '');
    expect(stored.map(({ content }) => content)).toEqual([
      'first',
      'something else',
      'second',
      answer,
      answer,
    ]);
    const body = JSON.stringify((await target.upstream.requests(upstream)).at(-1)?.body);
    expect(body).toContain('something else');
  });

  it('keeps the same words of two users apart', async () => {
    const names = [unique('user'), unique('user')];
    for (const name of names)
      await clientOf(name).chat.completions.create({ model: 'offline', messages: [user('Hi')] });
    for (const name of names) expect(await conversations(name)).toHaveLength(1);
  });

  it('joins the first try when the package repeats a request', async () => {
    const { model, name } = await scripted(target, { tokens, delayMs: { between: 150 } });
    const owner = unique('user');
    const body = { model, messages: [user('Only once')] };
    const headers = (count: number) => ({
      'x-user-id': owner,
      'x-stainless-retry-count': String(count),
    });
    const post = (count: number) =>
      target.call('/v1/chat/completions', { json: body, headers: headers(count) });
    const first = post(0);
    await target.upstream.waitForRequest(name);
    const [one, again] = await Promise.all([first, post(1)]);
    const later = await post(2);
    expect([one.status, again.status, later.status]).toEqual([200, 200, 200]);
    const turns = [one, again, later].map(({ headers: sent }) => sent['x-turn-id']);
    expect(new Set(turns).size).toBe(1);
    expect(await target.upstream.requests(name)).toHaveLength(1);
  });

  it('joins no other request, and answers equal ones that come at once', async () => {
    const { model, name } = await scripted(target, { tokens, delayMs: { between: 100 } });
    const owner = unique('user');
    const post = (system: string, count: number) =>
      target.call('/v1/chat/completions', {
        json: { model, messages: [{ role: 'system', content: system }, user('Who are you?')] },
        headers: { 'x-user-id': owner, 'x-stainless-retry-count': String(count) },
      });
    const first = post('You are A', 0);
    await target.upstream.waitForRequest(name);
    const answers = [await post('You are B', 1), await post('You are A', 0), await first];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const turns = answers.map(({ headers: sent }) => sent['x-turn-id']);
    expect(new Set(turns).size).toBe(3);
  });

  it('takes a long history that it has never seen without holding others up', async () => {
    const long = 'word '.repeat(600);
    const messages = Array.from({ length: 900 }, (_, at) =>
      at % 2 === 0 ? user(`${at} ${long}`) : assistant(`<think> ${at} ${long}`),
    );
    const json = { model: 'offline', user: unique('user'), messages: [...messages, user('Now?')] };
    const asking = target.call('/v1/chat/completions', { json });
    const looks = Promise.all([target.call('/health'), target.call('/health')]);
    expect((await looks).map(({ status }) => status)).toEqual([200, 200]);
    expect((await asking).status).toBe(200);
  }, 20_000);

  it('keeps nothing of what is refused', async () => {
    const owner = unique('user');
    const messages = [user('one'), assistant('two'), user('three')];
    const json = { model: 'nowhere/none', user: owner, messages };
    expect((await target.call('/v1/chat/completions', { json })).status).toBe(400);
    expect(await conversations(owner)).toEqual([]);
  });

  it('throws for an answer that was cut, and is not asked again by itself', async ({ expect }) => {
    const { model, name } = await scripted(target, {
      tokens,
      fault: { how: 'reset', afterTokens: 2 },
    });
    const client = clientOf(unique('user'));
    const failed = await client.chat.completions
      .create({ model, messages: [user('Hello')] })
      .catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(APIError);
    expect(await target.upstream.requests(name)).toHaveLength(1);

    const stream = await client.chat.completions.create({
      model,
      messages: [user('Hello again')],
      stream: true,
    });
    const read = async () => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toBeInstanceOf(APIError);
  });

  it('answers what a client asks for itself, and keeps nothing of it', async () => {
    const name = unique('user');
    const body = { model: 'offline', messages: [user('A title, please')] };
    await clientOf(name).chat.completions.create({ ...body, store: false });
    const task = clientOf(name, { 'x-openwebui-task': 'title_generation' });
    const stream = await task.chat.completions.create({ ...body, stream: true });
    for await (const _ of stream);
    await vi.waitFor(async () => expect(await conversations(name)).toEqual([]), 20_000);
  });
});

describe.concurrent('a client that names its chats', () => {
  it('is followed by the headers of Open WebUI, message for message', async () => {
    const { model } = await scripted(target, { tokens });
    const name = unique('user');
    const chat = unique('chat');
    const ask = (ids: [string, string, string], ...messages: Said[]) =>
      clientOf(name, {
        'x-openwebui-chat-id': chat,
        'x-openwebui-user-message-id': ids[0],
        'x-openwebui-message-id': ids[1],
        'x-openwebui-user-message-parent-id': ids[2],
      }).chat.completions.create({ model, messages });
    await ask(['u1', 'a1', ''], user('first'));
    await ask(['u2', 'a2', 'a1'], user('first'), assistant('rewritten'), user('second'));
    await ask(['u2', 'a3', 'a1'], user('first'), assistant('rewritten'), user('second'));
    await ask(
      ['u3', 'a4', 'a2'],
      user('first'),
      assistant('x'),
      user('second'),
      assistant('y'),
      user('third'),
    );

    const [only, ...others] = await conversations(name);
    expect([only?.client_id, others]).toEqual([chat, []]);
    const stored = await tree(only?.conversation_id ?? '');
    const byClient = (id: string) =>
      stored.find((message) => Reflect.get(message, 'client_id') === id);
    expect(stored.map((message) => Reflect.get(message, 'client_id'))).toEqual([
      'u1',
      'a1',
      'u2',
      'a2',
      'a3',
      'u3',
      'a4',
    ]);
    expect(byClient('a3')?.parent_id).toBe(byClient('u2')?.id);
    expect(byClient('u3')?.parent_id).toBe(byClient('a2')?.id);
  });

  it('makes a sibling of a message that it says differently under the same name', async () => {
    const name = unique('user');
    const headers = (parent: string) => ({
      'x-openwebui-chat-id': 'chat',
      'x-openwebui-user-message-id': 'u1',
      'x-openwebui-user-message-parent-id': parent,
    });
    const ask = (text: string) =>
      clientOf(name, headers('')).chat.completions.create({
        model: 'offline',
        messages: [user(text)],
      });
    await ask('original');
    await ask('corrected');
    const [only] = await conversations(name);
    const said = (await tree(only?.conversation_id ?? '')).filter(({ role }) => role === 'user');
    expect(said.map(({ content, siblings }) => [content, siblings.index])).toEqual([
      ['original', 1],
      ['corrected', 2],
    ]);
  });

  it('is not appended to a chat whose history it does not have', async ({ expect }) => {
    const name = unique('user');
    const client = clientOf(name, { 'x-conversation-id': 'mine' });
    const ask = (...messages: Said[]) =>
      client.chat.completions.create({ model: 'offline', messages });
    await ask(user('first'));
    await ask(user('edited first'));
    await ask(user('other'), assistant('never said'), user('last'));
    const all = await conversations(name);
    expect(all.map(({ client_id, message_count }) => [client_id, message_count])).toEqual([
      [undefined, 4],
      ['mine', 2],
    ]);
    const metadata = { conversation_id: '019ac3a1-5d6c-7b1e-9f0a-6a1d2c3b4e5f' };
    const lost = client.chat.completions.create({
      metadata,
      model: 'offline',
      messages: [user('x')],
    });
    await expect(lost).rejects.toMatchObject({ status: 404 });
  });

  it('goes on in the conversation that the metadata names', async () => {
    const { model } = await scripted(target, { tokens });
    const name = unique('user');
    const json = { user_id: name, message: 'Hello', model };
    const { json: begun } = await target.call<{ conversation_id: string }>('/conversations', {
      json,
    });
    const metadata = { conversation_id: begun.conversation_id };
    await clientOf(name).chat.completions.create({ model, metadata, messages: [user('And now?')] });
    const stored = await tree(begun.conversation_id);
    expect(stored.map(({ content }) => content)).toEqual(['Hello', answer, 'And now?', answer]);
  });

  it('keeps a LibreChat conversation in one place', async () => {
    const name = unique('user');
    const chat = unique('chat');
    const client = clientOf(name, { 'x-conversation-id': chat });
    const messages = [user('Hello')];
    const { choices } = await client.chat.completions.create({ model: 'offline', messages });
    messages.push(assistant(choices[0]?.message.content ?? ''), user('More'));
    await client.chat.completions.create({ model: 'offline', messages });
    const all = await conversations(name);
    expect(all.map(({ client_id, message_count }) => [client_id, message_count])).toEqual([
      [chat, 4],
    ]);
  });
});

describe.concurrent('what cannot be honoured', () => {
  const post = (json: object) =>
    target.call<{ error: { message: string; param: string; code: string } }>(
      '/v1/chat/completions',
      { json },
    );
  const messages = [user('Hi')];
  it.each([
    ['n', { n: 2, messages }],
    ['logprobs', { logprobs: true, messages }],
    ['logit_bias', { logit_bias: { 50256: -100 }, messages }],
    ['messages', { messages: [] }],
    ['messages', { messages: [assistant('Hi')] }],
    [
      'messages',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
    ],
    ['temperature', { temperature: 7, messages }],
  ])('is refused by its name: %s', async (field, body) => {
    const { status, json, headers } = await post({ model: 'offline', ...body });
    expect(status).toBe(400);
    expect(headers['content-type']).toBe('application/json');
    expect(headers['x-should-retry']).toBe('false');
    expect(json.error.param ?? json.error.message).toContain(field);
  });

  it('says which models there are when it knows none of the name', async () => {
    const { status, json } = await post({ model: 'nowhere/none', messages });
    expect([status, json.error.code]).toEqual([400, 'unknown_model']);
  });
});

describe('the models and the embeddings', () => {
  it('are listed and called as the package does', async () => {
    const client = clientOf(unique('user'));
    const models = await client.models.list();
    expect(models.data.map(({ id }) => id)).toEqual(expect.arrayContaining(['offline', 'fast']));
    const input = ['one text', 'another'];
    const model = 'offline';
    const numbers = await client.embeddings.create({ model, input, encoding_format: 'float' });
    // The package asks for base64 by itself and decodes it.
    const decoded = await client.embeddings.create({ model, input });
    expect(decoded.data.map(({ index }) => index)).toEqual([0, 1]);
    const [expected, found] = [numbers, decoded].map(({ data }) => data[1]?.embedding ?? []);
    expect(found?.length).toBe(expected?.length);
    expected?.forEach((value, at) => expect(found?.[at]).toBeCloseTo(value, 5));
  });
});
