/** Providers of the AI SDK whose base URL is this server’s: they understand what they are told. */
import { createGroq } from '@ai-sdk/groq';
import { createOpenResponses } from '@ai-sdk/open-responses';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, jsonSchema, streamText, tool, type LanguageModel } from 'ai';
import { describe, expect, it } from 'vitest';
import { suiteTarget, unique } from './target.ts';
import { scripted } from './turns.ts';

const target = suiteTarget();

type Provide = (settings: {
  apiKey: string;
  baseURL: string;
  headers: Record<string, string>;
}) => (id: string) => LanguageModel;

const PROVIDERS: [string, Provide][] = [
  ['@ai-sdk/groq', (settings) => createGroq(settings)],
  [
    '@ai-sdk/open-responses',
    ({ baseURL, ...settings }) =>
      createOpenResponses({ ...settings, name: 'parley', url: `${baseURL}/responses` }),
  ],
  ['@ai-sdk/openai, chat', (settings) => createOpenAI(settings).chat],
  ['@ai-sdk/openai, responses', (settings) => createOpenAI(settings).responses],
];

describe.concurrent.each(PROVIDERS)('%s', (_, provide) => {
  const modelOf = (id: string) =>
    provide({
      apiKey: 'none',
      baseURL: `${target.url}/v1`,
      headers: { 'x-user-id': unique('user') },
    })(id);

  it('is answered whole and streamed, and goes on in its conversation', async () => {
    const { model, name } = await scripted(target, { tokens: ['It ', 'is ', 'red.'] });
    const provided = modelOf(model);
    const first = await generateText({ model: provided, prompt: 'Which colour?' });
    expect([first.text, first.finishReason]).toEqual(['It is red.', 'stop']);
    const messages = [
      { role: 'user' as const, content: 'Which colour?' },
      { role: 'assistant' as const, content: 'It is red.' },
      { role: 'user' as const, content: 'And now?' },
    ];
    const second = streamText({ model: provided, messages });
    expect([await second.text, await second.finishReason]).toEqual(['It is red.', 'stop']);
    const asked = await target.upstream.requests(name);
    const counted = asked.map(({ usage }) => ({
      inputTokens: usage?.input,
      outputTokens: usage?.output,
    }));
    expect(counted).toMatchObject([{ inputTokens: expect.any(Number) }, {}]);
    expect([first.usage, await second.usage]).toMatchObject(counted);
  });

  it('runs its tool, and has the answer that follows', async () => {
    const rome = { name: 'get_weather', input: { city: 'Rome' }, id: 'call_rome' };
    const { model, name } = await scripted(target, [
      { reasoning: ['Let me see.'], toolCalls: [[rome]] },
      { text: 'It rains.' },
    ]);
    const seen: unknown[] = [];
    const get_weather = tool({
      inputSchema: jsonSchema<{ city: string }>({ type: 'object' }),
      execute: (input) => {
        seen.push(input);
        return Promise.resolve('rain');
      },
    });
    const { text } = streamText({
      model: modelOf(model),
      prompt: 'Does it rain?',
      tools: { get_weather },
      stopWhen: ({ steps }) => steps.length === 2,
    });
    expect([await text, seen]).toEqual(['It rains.', [{ city: 'Rome' }]]);
    expect(await target.upstream.requests(name)).toHaveLength(2);
  });

  it('is told that an answer was cut', async () => {
    const { model } = await scripted(target, {
      tokens: ['It ', 'is '],
      fault: { how: 'reset', afterTokens: 1 },
    });
    const told: unknown[] = [];
    const { finishReason } = streamText({
      model: modelOf(model),
      prompt: 'Which colour?',
      onError: ({ error }) => void told.push(error),
    });
    expect(await finishReason).toBe('error');
    expect(told).toHaveLength(1);
  });
});
