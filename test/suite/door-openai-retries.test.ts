/**
 * What OpenAI's clients repeat by themselves, ask for themselves, and ask for that is not there.
 */
import OpenAI, { NotFoundError } from 'openai';
import { describe, expect, it, vi } from 'vitest';
import { suiteTarget, unique } from './target.ts';
import { conversation, scripted } from './turns.ts';

const target = suiteTarget();

interface ErrorJson {
  error: { message: string; type: string; code: string };
}

const messages = [{ role: 'user', content: 'Only once' }];

function post(json: object, headers: Record<string, string> = {}) {
  return target.call<ErrorJson>('/v1/chat/completions', { json, headers });
}

async function conversationsOf(user: string) {
  const path = `/conversations?user_id=${user}`;
  return (await target.call<{ message_count: number }[]>(path)).json;
}

describe.concurrent('a request that the package repeats', () => {
  it.each<[string, (user: string) => Promise<{ json?: object; headers?: Record<string, string> }>]>(
    [
      [
        'in a conversation that is named by its id',
        async (user_id) => {
          const conversation_id = await conversation(target, { user_id });
          return { json: { metadata: { conversation_id } } };
        },
      ],
      [
        'in a chat whose messages have names',
        () =>
          Promise.resolve({
            headers: {
              'x-openwebui-chat-id': 'c',
              'x-openwebui-user-message-id': 'u1',
              'x-openwebui-message-id': 'a1',
              'x-openwebui-user-message-parent-id': '',
            },
          }),
      ],
      [
        'in a chat that has a name',
        () => Promise.resolve({ headers: { 'x-conversation-id': 'c' } }),
      ],
    ],
  )('joins the turn of its first try %s', async (_, placeOf) => {
    const { model, name } = await scripted(target, { text: 'Yes.', delayMs: { first: 300 } });
    const user = unique('user');
    const { json, headers } = await placeOf(user);
    const send = (count: number) =>
      post(
        { model, messages, user, ...json },
        { ...headers, 'x-stainless-retry-count': `${count}` },
      );
    const first = send(0);
    await target.upstream.waitForRequest(name);
    const all = [await first, await send(1), await send(2)];
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(new Set(all.map((answer) => answer.headers['x-turn-id'])).size).toBe(1);
    expect(await target.upstream.requests(name)).toHaveLength(1);
    const anew = await send(0);
    expect(anew.headers['x-turn-id']).not.toBe(all[0]?.headers['x-turn-id']);
  });

  it.each([
    [3_600, 'false'],
    [1, undefined],
  ])('is not to be repeated where it would wait for %d seconds', async (retryAfter, said) => {
    const { model } = await scripted(target, { status: { code: 429, retryAfter } });
    const { status, headers } = await post({ model, messages, user: unique('user') });
    expect([status, headers['x-should-retry']]).toEqual([429, said]);
  });
});

describe.concurrent('what a client asks for itself', () => {
  it.each([
    [
      'a title',
      '### Task:\nGenerate a title.\n### Chat History:\n<chat_history>\nHi\n</chat_history>',
    ],
    [
      'the rest of a sentence',
      '### Task:\nYou are an autocompletion system. Go on.\n<text>He</text>',
    ],
  ])('is known without a header, and kept nowhere: %s', async (_, content) => {
    const { model, name } = await scripted(target, { text: 'Hm.', delayMs: { first: 300 } });
    const user = unique('user');
    const asking = post({ model, user, messages: [{ role: 'user', content }] });
    await target.upstream.waitForRequest(name);
    expect(await conversationsOf(user)).toEqual([]);
    expect((await asking).status).toBe(200);
    const { json } = await target.call<{ total: { turns: number } }>(`/usage?user_id=${user}`);
    expect(json.total.turns).toBe(1);
  });

  it('is no task that somebody only talks about', async () => {
    const user = unique('user');
    await post({
      model: 'offline',
      user,
      messages: [{ role: 'user', content: '### Task:\nSing' }],
    });
    await vi.waitFor(async () => expect(await conversationsOf(user)).toHaveLength(1), 20_000);
  });
});

describe.concurrent('an address of OpenAI’s', () => {
  it('an address of OpenAI’s that is not there says so in the form that its clients read', async () => {
    const { status, json } = await target.call<ErrorJson>('/v1/images/generations', { json: {} });
    expect(status).toBe(404);
    expect(json.error).toMatchObject({ type: 'not_found_error', code: 'not_found' });
    const wrong = await target.call<ErrorJson>('/v1/chat/completions');
    expect([wrong.status, wrong.headers['allow']]).toEqual([405, 'POST']);
    expect(wrong.json.error.message).toContain('POST');
    expect((await target.call<{ code: string }>('/v1x')).json.code).toBe('not_found');
  });

  it('tells of one model', async ({ expect }) => {
    const baseURL = `${target.url}/v1`;
    const client = new OpenAI({ apiKey: 'none', baseURL, maxRetries: 0 });
    expect(await client.models.retrieve('offline')).toMatchObject({
      id: 'offline',
      object: 'model',
    });
    const named = await client.models.retrieve('openai/anything');
    expect(named).toMatchObject({ id: 'openai/anything', owned_by: 'openai' });
    await expect(client.models.retrieve('nowhere/none')).rejects.toBeInstanceOf(NotFoundError);
  });
});
