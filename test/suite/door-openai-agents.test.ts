/** OpenAI's Agents SDK: its runner, its tools and its sessions against the server. */
import {
  Agent,
  OpenAIConversationsSession,
  OpenAIProvider,
  Runner,
  setTracingDisabled,
  tool,
} from '@openai/agents';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openAiClient } from './openai-client.ts';
import { suiteTarget, unique } from './target.ts';
import { scripted, sentMessages, type MessageJson } from './turns.ts';

// The SDK would send its traces to OpenAI.
setTracingDisabled(true);

const target = suiteTarget();

const clientOf = (user: string) => openAiClient(target, user);

function runnerOf(user: string, useResponses: boolean) {
  const modelProvider = new OpenAIProvider({ openAIClient: clientOf(user), useResponses });
  return new Runner({ modelProvider, tracingDisabled: true });
}

async function conversations(user: string) {
  const path = `/conversations?user_id=${user}`;
  return (await target.call<{ conversation_id: string; message_count: number }[]>(path)).json;
}

async function said(conversationId: string) {
  const path = `/conversations/${conversationId.replace(/^conv_/u, '')}/messages`;
  const { json } = await target.call<MessageJson[]>(path);
  return json.map(({ role, content }) => `${role}: ${content}`);
}

const rome = { name: 'get_weather', input: { city: 'Rome' }, id: 'call_rome' };
const script = [{ toolCalls: [[rome]] }, { text: 'It rains.' }];

function weatherAgent(model: string, cities: string[]) {
  const get_weather = tool({
    name: 'get_weather',
    description: 'The weather of a city',
    parameters: z.object({ city: z.string() }),
    execute: ({ city }) => {
      cities.push(city);
      return 'rain';
    },
  });
  return new Agent({ name: 'Weather', instructions: 'Be brief', model, tools: [get_weather] });
}

describe.concurrent.each([
  ['/v1/responses', true],
  ['/v1/chat/completions', false],
])('a runner over %s', (_, useResponses) => {
  it('runs a tool and goes on in one conversation', async () => {
    const { model, name } = await scripted(target, script);
    const user = unique('user');
    const cities: string[] = [];
    const agent = weatherAgent(model, cities);
    const result = await runnerOf(user, useResponses).run(agent, 'Does it rain in Rome?');
    expect([result.finalOutput, cities]).toEqual(['It rains.', ['Rome']]);
    const asked = JSON.stringify((await target.upstream.requests(name)).at(-1)?.body);
    expect(asked).toContain('Be brief');
    expect(await conversations(user)).toHaveLength(1);
  });

  it('streams, with a tool on the way', async () => {
    const { model } = await scripted(target, script);
    const user = unique('user');
    const cities: string[] = [];
    const runner = runnerOf(user, useResponses);
    const result = await runner.run(weatherAgent(model, cities), 'Rain?', { stream: true });
    let text = '';
    for await (const piece of result.toTextStream()) text += piece;
    await result.completed;
    expect([text, result.finalOutput, cities]).toEqual(['It rains.', 'It rains.', ['Rome']]);
    expect(await conversations(user)).toHaveLength(1);
  });
});

describe.concurrent('a session in a conversation', () => {
  const sessionOf = (user: string) => new OpenAIConversationsSession({ client: clientOf(user) });

  it('keeps all turns in its one conversation, from the first on', async () => {
    const script = ['Hello Alice.', 'Alice.', 'Yes.'].map((text) => ({ text }));
    const { model, name } = await scripted(target, script);
    const user = unique('user');
    const session = sessionOf(user);
    const agent = new Agent({ name: 'Friend', model });
    const runner = runnerOf(user, true);
    const asked = ['I am Alice.', 'Who am I?', 'Sure?'];
    for (const question of asked) await runner.run(agent, question, { session });
    const all = asked.flatMap((question, at) => [
      `user: ${question}`,
      `assistant: ${script[at]?.text}`,
    ]);
    expect(await said(await session.getSessionId())).toEqual(all);
    expect(await conversations(user)).toMatchObject([{ message_count: 6, title: 'I am Alice.' }]);
    const sent = sentMessages((await target.upstream.requests(name)).at(-1)?.body);
    expect(sent.map(({ role, content }) => `${role}: ${content}`)).toEqual(all.slice(0, -1));

    // What is kept can be taken back, and the session goes on.
    expect(await session.popItem()).toMatchObject({ role: 'assistant' });
    expect(await session.getItems()).toHaveLength(5);
    await session.clearSession();
    expect(await conversations(user)).toEqual([]);
  });

  it('keeps the calls of tools with what they answered, once', async () => {
    const { model } = await scripted(target, [...script, { text: 'As I said.' }]);
    const user = unique('user');
    const session = sessionOf(user);
    const cities: string[] = [];
    const agent = weatherAgent(model, cities);
    const runner = runnerOf(user, true);
    await runner.run(agent, 'Does it rain in Rome?', { session });
    const second = await runner.run(agent, 'Really?', { session });
    expect([second.finalOutput, cities]).toEqual(['As I said.', ['Rome']]);
    const types = (await session.getItems()).map(({ type }) => type);
    expect(types).toEqual([
      ...['message', 'function_call', 'function_call_result', 'message'],
      ...['message', 'message'],
    ]);
    expect(await conversations(user)).toMatchObject([{ message_count: 6 }]);
  });

  it('leaves responses where they are that their clients know, and what is another’s', async () => {
    const { model } = await scripted(
      target,
      Array.from({ length: 4 }, () => ({ text: 'Hello.' })),
    );
    const user = unique('user');
    const client = clientOf(user);
    const items = [
      { role: 'user' as const, content: 'Hi' },
      { role: 'assistant' as const, content: 'Hello.' },
    ];
    // Of another user, in a conversation that is known, and begun at another door.
    await clientOf(unique('other')).responses.create({ model, input: 'Hi' });
    const { id: known } = await client.conversations.create();
    await client.responses.create({ model, input: 'Hi', conversation: known });
    await target.call('/conversations', { json: { user_id: user, message: 'Hi', model } });
    const { id } = await client.conversations.create();
    await client.conversations.items.create(id, { items });
    expect(await said(id)).toEqual(['user: Hi', 'assistant: Hello.']);
    expect(await conversations(user)).toHaveLength(3);

    // A response stays a response when its conversation is taken over.
    const response = await client.responses.create({ model, input: 'Hi' });
    const { id: empty } = await client.conversations.create();
    await client.conversations.items.create(empty, { items });
    expect(await conversations(user)).toHaveLength(4);
    expect((await client.responses.retrieve(response.id)).output_text).toBe('Hello.');
    const next = { model: 'offline', input: 'And?', previous_response_id: response.id };
    await client.responses.create(next);
    expect(await said(empty)).toHaveLength(4);
    // What was added, and not answered by a turn, may be added again.
    await client.conversations.items.create(id, { items });
    expect(await said(id)).toHaveLength(4);
  });
});
