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
  [
    '@anthropic-ai/sdk',
    async ({ url, user: user_id, model }) => {
      const client = new Anthropic({ apiKey: 'none', baseURL: url });
      const asked = { model, max_tokens: 10_000, metadata: { user_id }, messages };
      const { content } = await client.messages.create(asked);
      return content.map((part) => (part.type === 'text' ? part.text : '')).join('');
    },
  ],
];

/** Their tries have no numbers and no keys. */
const WITHOUT_NUMBERS: [string, (asking: Asking) => Promise<string>][] = [
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
