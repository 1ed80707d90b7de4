/** Tools of OpenAI's clients, which they run themselves: their own package against the server. */
import OpenAI from 'openai';
import OpenAI6 from 'openai-6';
import { describe, expect, it } from 'vitest';
import { asArray, asRecord } from '../support/json.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, type MessageJson } from './turns.ts';

const target = suiteTarget();

type Said = OpenAI.ChatCompletionMessageParam;

const parameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const tools: OpenAI.ChatCompletionTool[] = [
  { type: 'function', function: { name: 'get_weather', description: 'The sky', parameters } },
  { type: 'function', function: { name: 'get_time' } },
];
const rome = { name: 'get_weather', input: { city: 'Rome' }, id: 'call_rome' };
const paris = { name: 'get_weather', input: { city: 'Paris' }, id: 'call_paris' };
const question: Said = { role: 'user', content: 'Does it rain?' };

function clientOf(user: string, headers: Record<string, string> = {}, Client = OpenAI) {
  const defaultHeaders = { 'x-user-id': user, ...headers };
  return new Client({ apiKey: 'none', baseURL: `${target.url}/v1`, defaultHeaders });
}

interface ConversationJson {
  conversation_id: string;
  message_count: number;
}

async function conversations(user: string): Promise<ConversationJson[]> {
  return (await target.call<ConversationJson[]>(`/conversations?user_id=${user}`)).json;
}

async function tree(id = ''): Promise<MessageJson[]> {
  return (await target.call<MessageJson[]>(`/conversations/${id}/messages?tree=true`)).json;
}

const result = (tool_call_id: string, content: string): Said => ({
  role: 'tool',
  tool_call_id,
  content,
});

/** A client with a question whose answer calls tools: what it has, and how it goes on. */
async function calling(calls = [rome], headers: Record<string, string> = {}) {
  const { model, name: upstream } = await scripted(target, {
    toolCalls: [calls],
    text: 'It rains.',
  });
  const name = unique('user');
  const client = clientOf(name, headers);
  const create = (messages: Said[]) => client.chat.completions.create({ model, tools, messages });
  const { choices } = await create([question]);
  const messages: Said[] = [question];
  if (choices[0]) messages.push(choices[0].message);
  const sent = async () => asRecord((await target.upstream.requests(upstream)).at(-1)?.body);
  return { model, upstream, name, client, create, choice: choices[0], messages, sent };
}

describe.concurrent('a round trip', () => {
  it('answers with the calls, and continues the stored turn with their results', async () => {
    const { name, create, choice, messages, sent } = await calling([rome, paris]);
    expect(choice).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        tool_calls: [
          { id: 'call_rome', function: { name: 'get_weather', arguments: '{"city":"Rome"}' } },
          { id: 'call_paris', type: 'function' },
        ],
      },
    });
    expect((await sent())['tools']).toMatchObject([
      { function: { name: 'get_weather', parameters } },
      { function: { name: 'get_time' } },
    ]);
    messages.push(result('call_rome', '{"sky":"rain"}'), result('call_paris', 'sun'));
    const told = await create(messages);
    expect(told.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { content: 'It rains.' },
    });
    expect((await sent())['messages']).toMatchObject([
      { role: 'user' },
      { role: 'assistant', tool_calls: [{ id: 'call_rome' }, { id: 'call_paris' }] },
      { role: 'tool', tool_call_id: 'call_rome', content: '{"sky":"rain"}' },
      { role: 'tool', tool_call_id: 'call_paris', content: 'sun' },
    ]);
    messages.push({ role: 'assistant', content: 'It rains.' }, { role: 'user', content: 'Thanks' });
    await create(messages);
    const [only, ...others] = await conversations(name);
    expect(others).toEqual([]);
    const stored = await tree(only?.conversation_id);
    expect(stored.map(({ content }) => content)).toEqual([
      'Does it rain?',
      '',
      '',
      'It rains.',
      'Thanks',
      // The model calls for each new question.
      '',
    ]);
    expect(asArray((await sent())['messages'])).toHaveLength(6);
  });

  it('is streamed, call for call', async () => {
    const { client, model, name } = await calling([rome, paris]);
    const asked: Said = { role: 'user', content: 'And now?' };
    const runner = client.chat.completions.stream({ model, tools, messages: [asked] });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of runner) chunks.push(chunk);
    const deltas = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []);
    expect(deltas.map(({ index, id }) => [index, id])).toEqual([
      [0, 'call_rome'],
      [1, 'call_paris'],
    ]);
    const { choices } = await runner.finalChatCompletion();
    expect(choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ id: 'call_rome' }, { id: 'call_paris' }] },
    });
    const messages: Said[] = [asked];
    if (choices[0]) messages.push(choices[0].message);
    messages.push(result('call_rome', 'rain'), result('call_paris', 'sun'));
    const told = client.chat.completions.stream({ model, tools, messages });
    expect(await told.finalContent()).toBe('It rains.');
    expect((await conversations(name)).map(({ message_count }) => message_count)).toEqual([4, 2]);
  });

  it.each([
    ['7', OpenAI],
    // Its types are those of the other, as far as they are used here.
    ['6', OpenAI6 as unknown as typeof OpenAI],
  ])('goes on by itself, as version %s of the package runs tools', async (_, Client) => {
    const { model, name } = await calling();
    const runner = clientOf(name, {}, Client).chat.completions.runTools({
      model,
      messages: [{ role: 'user', content: 'Run it yourself' }],
      stream: true,
      tools: [
        {
          type: 'function',
          function: {
            name: 'get_weather',
            description: 'The sky',
            parameters,
            parse: (text: string) => JSON.parse(text) as { city: string },
            function: ({ city }: { city: string }) => `${city}: rain`,
          },
        },
      ],
    });
    expect(await runner.finalContent()).toBe('It rains.');
    expect((await conversations(name)).map(({ message_count }) => message_count)).toEqual([4, 2]);
  });

  it('says what may be called, and how', async () => {
    const { client, model, sent } = await calling();
    const [weather] = tools;
    if (weather?.type !== 'function') throw new Error('no tool');
    await client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'Which?' }],
      tools: [{ ...weather, function: { ...weather.function, strict: true } }],
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
      parallel_tool_calls: false,
    });
    const body = await sent();
    expect(body).toMatchObject({
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
      parallel_tool_calls: false,
    });
    expect(asArray(body['tools'])[0]).toMatchObject({ function: { strict: true } });
  });
});

describe.concurrent('results', () => {
  it('results that come again make another answer to them, beside the first', async () => {
    const { create, messages, name } = await calling();
    messages.push(result('call_rome', 'rain'));
    await create(messages);
    await create(messages);
    const [only, ...others] = await conversations(name);
    expect(others).toEqual([]);
    const stored = await tree(only?.conversation_id);
    expect(stored.map(({ siblings }) => siblings.count)).toEqual([1, 1, 1, 2, 2]);
  });

  it('results of a request that the package repeats join the turn of the first', async () => {
    const { messages, model, name, upstream } = await calling();
    messages.push(result('call_rome', 'rain'));
    const json = { model, tools, messages };
    const post = (count: number) => {
      const headers = { 'x-user-id': name, 'x-stainless-retry-count': String(count) };
      return target.call('/v1/chat/completions', { json, headers });
    };
    const [one, again] = [await post(0), await post(1)];
    expect([one.status, again.status]).toEqual([200, 200]);
    expect(again.headers['x-turn-id']).toBe(one.headers['x-turn-id']);
    expect(await target.upstream.requests(upstream)).toHaveLength(2);
  });

  it('results that differ from those that were taken belong to a conversation of their own', async () => {
    const { create, messages, name, sent } = await calling();
    await create([...messages, result('call_rome', 'rain')]);
    await create([...messages, result('call_rome', 'snow')]);
    expect((await conversations(name)).map(({ message_count }) => message_count)).toEqual([4, 4]);
    expect(asArray((await sent())['messages']).at(-1)).toMatchObject({ content: 'snow' });
  });

  it('results for calls that were never stored do not reach the conversation that is', async () => {
    const { create, name, sent } = await calling();
    const made = (id: string, city: string): Said => ({
      role: 'assistant',
      tool_calls: [
        {
          id,
          type: 'function',
          function: { name: 'get_weather', arguments: `{"city":"${city}"}` },
        },
      ],
    });
    await create([question, made('call_other', 'Rome'), result('call_other', 'rain')]);
    await create([question, made('call_rome', 'Oslo'), result('call_rome', 'rain')]);
    const counts = (await conversations(name)).map(({ message_count }) => message_count);
    expect(counts).toEqual([4, 4, 2]);
    expect(asArray((await sent())['messages'])).toMatchObject([
      { role: 'user' },
      { role: 'assistant', tool_calls: [{ function: { arguments: '{"city":"Oslo"}' } }] },
      { role: 'tool', content: 'rain' },
    ]);
  });

  it('find their calls however the client writes the arguments', async () => {
    const twice = { ...rome, input: { city: 'Rome', unit: 'C' } };
    const { model } = await scripted(target, { toolCalls: [[twice]], text: 'It rains.' });
    const name = unique('user');
    const loose: OpenAI.ChatCompletionTool[] = [
      { type: 'function', function: { name: 'get_weather' } },
    ];
    const create = (messages: Said[]) =>
      clientOf(name).chat.completions.create({ model, tools: loose, messages });
    await create([question]);
    const call = { name: 'get_weather', arguments: '{ "unit": "C",\n "city": "Rome" }' };
    const rewritten: Said = {
      role: 'assistant',
      content: '',
      tool_calls: [{ id: 'call_rome', type: 'function', function: call }],
    };
    await create([question, rewritten, result('call_rome', 'rain')]);
    expect(await conversations(name)).toMatchObject([{ message_count: 4 }]);
  });

  it('belong to the chat that the client names', async () => {
    const chat = unique('chat');
    const { create, messages, name } = await calling([rome], {
      'x-openwebui-chat-id': chat,
      'x-openwebui-user-message-id': 'u1',
      'x-openwebui-message-id': 'a1',
    });
    messages.push(result('call_rome', 'rain'));
    await create(messages);
    expect(await conversations(name)).toMatchObject([{ client_id: chat, message_count: 4 }]);
  });

  it('alone are enough in a conversation that is named by its id', async ({ expect }) => {
    const { client, model, name } = await calling();
    const [only] = await conversations(name);
    const metadata = { conversation_id: only?.conversation_id ?? '' };
    const messages = [result('call_rome', 'rain')];
    const { choices } = await client.chat.completions.create({ model, metadata, messages });
    expect(choices[0]?.message.content).toBe('It rains.');
    const again = client.chat.completions.create({ model, metadata, messages });
    await expect(again).rejects.toMatchObject({ status: 400 });
    expect(await conversations(name)).toMatchObject([{ message_count: 4 }]);
  });
});

describe.concurrent('tools that cannot be taken', () => {
  const weather = { type: 'function', function: { name: 'get_weather' } };
  const call = { id: 'a', type: 'function', function: { name: 'get_weather', arguments: '{}' } };
  const asked = { role: 'assistant', tool_calls: [call] };
  const told = { role: 'tool', tool_call_id: 'a', content: 'x' };
  it.each<[string, Record<string, unknown>]>([
    ['tools.0.type', { tools: [{ type: 'custom', custom: { name: 'x' } }] }],
    ['tools.0.function.name', { tools: [{ type: 'function', function: { name: 'a b' } }] }],
    [
      'tools.0.function.parameters',
      { tools: [{ type: 'function', function: { name: 'x', parameters: { type: 'array' } } }] },
    ],
    ['tool_choice', { tools: [weather], tool_choice: { type: 'allowed_tools' } }],
    [
      'tool_choice.name',
      { tools: [weather], tool_choice: { ...weather, function: { name: 'y' } } },
    ],
    ['functions', { functions: [{ name: 'x' }] }],
    ['messages', { messages: [question, { ...told, tool_call_id: 'b' }] }],
    ['messages', { messages: [question, asked, { ...told, tool_call_id: 'b' }] }],
    ['messages', { messages: [question, asked, told, told] }],
    ['messages', { messages: [told] }],
    ['messages.1.tool_calls.0', { messages: [question, { ...asked, tool_calls: [{}] }] }],
  ])('are refused by name: %s', async (field, body) => {
    const user = unique('user');
    const json = { model: 'offline', user, messages: [question], ...body };
    const { status, json: told } = await target.call<{ error: { param: string } }>(
      '/v1/chat/completions',
      { json },
    );
    expect([status, told.error.param]).toEqual([400, expect.stringContaining(field)]);
    expect(await conversations(user)).toEqual([]);
  });
});
