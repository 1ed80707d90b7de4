/**
 * The packages that repeat a request by themselves, over connections that are cut: while the model
 * answers, and when the whole answer was sent and nothing of it has come. One turn, one call of the
 * model, one bill.
 */
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { ChatOpenAI } from '@langchain/openai';
import { generateText } from 'ai';
import OpenAI from 'openai';
import OpenAI6 from 'openai-6';
import { expect, it, vi } from 'vitest';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { request } from '../support/http.ts';
import type { SentScript } from '../support/upstream/control.ts';
import { runSql } from '../support/whole-database.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted } from './turns.ts';

const target = suiteTarget();

interface Asking {
  url: string;
  user: string;
  model: string;
}

const messages = [{ role: 'user' as const, content: 'Only once' }];
const openai = ({ url }: Asking) => new OpenAI({ apiKey: 'none', baseURL: `${url}/v1` });
// The two versions differ in nothing that is called here.
const openai6 = ({ url }: Asking) =>
  new OpenAI6({ apiKey: 'none', baseURL: `${url}/v1` }) as unknown as OpenAI;

async function complete(client: OpenAI, { model, user }: Asking): Promise<string> {
  const { choices } = await client.chat.completions.create({ model, user, messages });
  return choices[0]?.message.content ?? '';
}

async function stream(client: OpenAI, { model, user }: Asking): Promise<string> {
  const asked = { model, user, messages, stream: true as const };
  let text = '';
  for await (const { choices } of await client.chat.completions.create(asked))
    text += choices[0]?.delta.content ?? '';
  return text;
}

async function respond(client: OpenAI, { model, user }: Asking): Promise<string> {
  const response = await client.responses.create({ model, user, input: 'Only once' });
  return response.output_text;
}

/** What tells a repeat of a whole answer from a new request, where tries have no numbers. */
const key = () => ({ 'Idempotency-Key': unique('key') });

async function generate(
  kind: 'chat' | 'responses',
  { url, user, model: id }: Asking,
  headers: Record<string, string> = {},
  options: Pick<Parameters<typeof generateText>[0], 'providerOptions'> = {},
) {
  const baseURL = `${url}/v1`;
  const provider = createOpenAI({ apiKey: 'none', baseURL, headers: { 'x-user-id': user } });
  const model = provider[kind](id);
  return (await generateText({ model, prompt: 'Only once', headers, ...options })).text;
}

async function invoke({ url, user, model }: Asking, headers: Record<string, string> = {}) {
  const configuration = { baseURL: `${url}/v1`, defaultHeaders: { 'x-user-id': user } };
  const chat = new ChatOpenAI({ model, apiKey: 'none', configuration });
  return (await chat.invoke('Only once', { options: { headers } })).text;
}

const CLIENTS: [string, (asking: Asking) => Promise<string>][] = [
  ['openai 7, chat completions', (asking) => complete(openai(asking), asking)],
  ['openai 7, chat completions as a stream', (asking) => stream(openai(asking), asking)],
  ['openai 7, responses', (asking) => respond(openai(asking), asking)],
  ['openai 6, chat completions', (asking) => complete(openai6(asking), asking)],
  ['openai 6, chat completions as a stream', (asking) => stream(openai6(asking), asking)],
  ['openai 6, responses', (asking) => respond(openai6(asking), asking)],
  ['@ai-sdk/openai with a key, chat', (asking) => generate('chat', asking, key())],
  ['@ai-sdk/openai with a key, responses', (asking) => generate('responses', asking, key())],
  ['@langchain/openai with a key', (asking) => invoke(asking, key())],
  ['@anthropic-ai/sdk', (asking) => messagesOfAnthropic(asking)],
];

/** Sends a request as gateways do that pass no headers of this kind on. */
const stripped: typeof fetch = (url, init) => {
  const headers = new Headers(init?.headers);
  for (const name of [...headers.keys()]) if (name.startsWith('x-stainless-')) headers.delete(name);
  return fetch(url, { ...init, headers });
};

async function messagesOfAnthropic({ url, user, model }: Asking, fetching = fetch) {
  const client = new Anthropic({ apiKey: 'none', baseURL: url, fetch: fetching });
  const asked = { model, max_tokens: 10_000, metadata: { user_id: user }, messages };
  const { content } = await client.messages.create(asked);
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** Their tries have no numbers and no keys. */
const WITHOUT_NUMBERS: [string, (asking: Asking) => Promise<string>][] = [
  ['@anthropic-ai/sdk behind a gateway', (asking) => messagesOfAnthropic(asking, stripped)],
  ['@ai-sdk/openai, chat', (asking) => generate('chat', asking)],
  ['@ai-sdk/openai, responses', (asking) => generate('responses', asking)],
  ['@langchain/openai', (asking) => invoke(asking)],
];

it.concurrent.each(WITHOUT_NUMBERS)(
  '%s has the answer that it was cut off from, and a new one when it asks again',
  async (_, ask) => {
    const proxy = await startCuttingProxy(new URL(target.url));
    const { model, name } = await scripted(target, { text: 'Here you are.', holdAt: 0 });
    const asking = { url: proxy.url, user: unique('user'), model };
    const answer = ask(asking);
    await target.upstream.waitForRequest(name);
    proxy.cut();
    await vi.waitFor(() => expect(proxy.connections()).toBeGreaterThan(1), 10_000);
    await target.upstream.release(name);
    expect(await answer).toBe('Here you are.');
    expect(await target.upstream.requests(name)).toHaveLength(1);
    expect(await ask(asking)).toBe('Here you are.');
    expect(await target.upstream.requests(name)).toHaveLength(2);
    const { json } = await target.call<{ total: object }>(`/usage?user_id=${asking.user}`);
    expect(json.total).toMatchObject({ turns: 2, calls: 2 });
    proxy.close();
  },
);

/** Waits until the model has been called so many times. */
async function modelWasAsked(name: string, times: number): Promise<void> {
  const requests = async () => (await target.upstream.requests(name)).length;
  await vi.waitFor(async () => expect(await requests()).toBe(times), 10_000);
}

it.concurrent('gives an answer that nobody has read to one of those who ask the same', async () => {
  const proxy = await startCuttingProxy(new URL(target.url));
  const { model, name } = await scripted(target, { text: 'Here you are.', holdAt: 0 });
  const asking = { url: proxy.url, user: unique('user'), model };
  const answers = Promise.all([generate('chat', asking), generate('chat', asking)]);
  await modelWasAsked(name, 2);
  proxy.cut();
  await modelWasAsked(name, 3);
  await target.upstream.release(name);
  expect(await answers).toEqual(['Here you are.', 'Here you are.']);
  expect(await target.upstream.requests(name)).toHaveLength(3);
  proxy.close();
});

/** Asks by a connection that is cut while the model answers, which nobody repeats by itself. */
async function leaveUnread(script: SentScript) {
  const proxy = await startCuttingProxy(new URL(target.url));
  const { model, name } = await scripted(target, script);
  const user = unique('user');
  const ask = (of: string, url = target.url) =>
    request(`${url}/v1/messages`, {
      json: { model, max_tokens: 100, messages },
      headers: { 'x-user-id': of },
    });
  const lost = ask(user, proxy.url).catch(() => 'cut');
  await target.upstream.waitForRequest(name);
  proxy.close();
  expect(await lost).toBe('cut');
  const turn = `SELECT t.id FROM turns t JOIN conversations c ON c.id = t.conversation_id
    WHERE c.user_id = '${user}'`;
  const query = (sql: string) => runSql(target.databaseUrl, sql);
  const noted = () => query(`SELECT key FROM idempotency_keys WHERE resource_id IN (${turn})`);
  await vi.waitFor(async () => expect(await noted()).toHaveLength(1), 10_000);
  await target.upstream.release(name);
  const ended = () => query(`SELECT id FROM turns WHERE state = 'ended' AND id IN (${turn})`);
  await vi.waitFor(async () => expect(await ended()).toHaveLength(1), 10_000);
  const asked = async () => (await target.upstream.requests(name)).length;
  return { ask: (of = user) => ask(of), asked, query, turn };
}

it.concurrent('gives an answer that nobody has read to its own user alone, and once', async () => {
  const { ask, asked } = await leaveUnread({ text: 'Here you are.', holdAt: 0 });
  await ask(unique('user'));
  expect(await asked()).toBe(2);
  await ask();
  expect(await asked()).toBe(2);
  await ask();
  expect(await asked()).toBe(3);
});

it.concurrent('asks the model again after a minute', async () => {
  const { ask, asked, query, turn } = await leaveUnread({ text: 'Here you are.', holdAt: 0 });
  await query(`UPDATE idempotency_keys SET created_at = created_at - 60000
    WHERE resource_id IN (${turn})`);
  expect((await ask()).status).toBe(200);
  expect(await asked()).toBe(2);
});

it.concurrent('asks the model again where the answer that nobody has read has failed', async () => {
  const status = { code: 503, times: 1 };
  const { ask, asked } = await leaveUnread({ text: 'Here you are.', holdAt: 'head', status });
  expect((await ask()).status).toBe(200);
  expect(await asked()).toBe(2);
});

it.concurrent('asks the model again where the answer that nobody has read was not kept', async () => {
  const proxy = await startCuttingProxy(new URL(target.url));
  const { model, name } = await scripted(target, { text: 'Here you are.', holdAt: 0 });
  const asking = { url: proxy.url, user: unique('user'), model };
  const options = { providerOptions: { openai: { store: false } } };
  const answer = generate('chat', asking, {}, options);
  await target.upstream.waitForRequest(name);
  proxy.cut();
  await target.upstream.release(name);
  expect(await answer).toBe('Here you are.');
  const list = await target.call<object[]>(`/conversations?user_id=${asking.user}`);
  expect(list.json).toEqual([]);
  proxy.close();
});

it.concurrent.each(CLIENTS)('%s has its answer, which was made once', async (_, ask) => {
  const proxy = await startCuttingProxy(new URL(target.url));
  proxy.loseAnswers(1);
  const { model, name } = await scripted(target, { text: 'Here you are.' });
  const user = unique('user');
  expect(await ask({ url: proxy.url, user, model })).toBe('Here you are.');
  expect(await target.upstream.requests(name)).toHaveLength(1);
  const list = await target.call<{ message_count: number }[]>(`/conversations?user_id=${user}`);
  expect(list.json).toMatchObject([{ message_count: 2 }]);
  const { json } = await target.call<{ total: object }>(`/usage?user_id=${user}`);
  expect(json.total).toMatchObject({ turns: 1, calls: 1 });
  expect(proxy.leftToLose()).toBe(0);
  proxy.close();
});
