/**
 * The packages that repeat a request by themselves, over connections that are cut when the turn was
 * accepted and nothing of its answer has come: one turn, one call of the model, one bill.
 */
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { ChatOpenAI } from '@langchain/openai';
import { generateText } from 'ai';
import OpenAI from 'openai';
import OpenAI6 from 'openai-6';
import { expect, it } from 'vitest';
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

/** Of these nothing tells a repeated request from a new one, but a key that the caller gives. */
const key = () => ({ 'Idempotency-Key': unique('key') });

async function generate(kind: 'chat' | 'responses', { url, user, model: id }: Asking) {
  const baseURL = `${url}/v1`;
  const provider = createOpenAI({ apiKey: 'none', baseURL, headers: { 'x-user-id': user } });
  const model = provider[kind](id);
  return (await generateText({ model, prompt: 'Only once', headers: key() })).text;
}

async function invoke({ url, user, model }: Asking): Promise<string> {
  const configuration = { baseURL: `${url}/v1`, defaultHeaders: { 'x-user-id': user } };
  const chat = new ChatOpenAI({ model, apiKey: 'none', configuration });
  return (await chat.invoke('Only once', { options: { headers: key() } })).text;
}

const CLIENTS: [string, (asking: Asking) => Promise<string>][] = [
  ['openai 7, chat completions', (asking) => complete(openai(asking), asking)],
  ['openai 7, chat completions as a stream', (asking) => stream(openai(asking), asking)],
  ['openai 7, responses', (asking) => respond(openai(asking), asking)],
  ['openai 6, chat completions', (asking) => complete(openai6(asking), asking)],
  ['openai 6, chat completions as a stream', (asking) => stream(openai6(asking), asking)],
  ['openai 6, responses', (asking) => respond(openai6(asking), asking)],
  ['@ai-sdk/openai with a key, chat', (asking) => generate('chat', asking)],
  ['@ai-sdk/openai with a key, responses', (asking) => generate('responses', asking)],
  ['@langchain/openai with a key', invoke],
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
