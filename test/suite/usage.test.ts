/**
 * What a turn is said to have cost when its service did not report all of it, or was stopped
 * before.
 */
import { describe, expect, it } from 'vitest';
import { post } from './documents-client.ts';
import { suiteTarget, unique } from './target.ts';
import { conversation, hear, scripted, storedMessages } from './turns.ts';

const target = suiteTarget();
const tokens = ['One ', 'two ', 'three ', 'four ', 'five'];

async function ask(model: string, conversationId?: string) {
  const id = conversationId ?? (await conversation(target));
  const path = `/conversations/${id}/messages`;
  return hear(await target.stream(path, { json: { message: 'Count to five', model } }));
}

/** Asks, and cancels the turn when it has said something. */
async function cancel(model: string) {
  const id = await conversation(target);
  const path = `/conversations/${id}/messages`;
  const stream = await target.stream(path, { json: { message: 'Count to five', model } });
  for await (const { type } of stream) if (type.endsWith('.delta')) break;
  const turnId = String(stream.headers['x-turn-id']);
  await target.call(`/turns/${turnId}/cancel`, { method: 'POST' });
  const heard = await hear(stream);
  expect(heard.terminal).toBe('turn.cancelled');
  const [, answer] = await storedMessages(target, id);
  return { ...heard, answer };
}

describe.concurrent('the usage of a turn that was cut', () => {
  it('keeps what was reported of the steps that were over, and estimates the last', async () => {
    const userId = unique('owner');
    await post({ user_id: userId, title: 'Manual', text: 'The blue valve needs oil.' });
    const search = { name: 'search_documents', input: { query: 'valve' } };
    const { model } = await scripted(target, [
      { toolCalls: [[search]], usage: { input: 5_000, output: 300 } },
      { toolCalls: [[search]], tokens, fault: { how: 'reset', afterTokens: 3 } },
    ]);
    const { end } = await ask(model, await conversation(target, { user_id: userId }));
    expect(end.message.status).toBe('interrupted');
    expect(end.usage.estimated).toBe(true);
    expect(end.usage.input_tokens).toBeGreaterThan(5_000);
    expect(end.usage.input_tokens).toBeLessThan(6_000);
    expect(end.usage.output_tokens).toBeGreaterThan(300);
    expect(end.usage.output_tokens).toBeLessThan(320);
  });

  it('is the last that was reported with the chunks that came', async () => {
    const { model } = await scripted(target, {
      tokens: Array.from({ length: 40 }, (_, at) => `${at} `),
      usage: 'running',
      delayMs: { between: 100 },
    });
    const { end, answer } = await cancel(model);
    // The scripted service counts a quarter of the characters, and all of the answer in each chunk.
    expect(end.usage).toMatchObject({ input_tokens: 4, output_tokens: 40, estimated: false });
    expect(answer).toMatchObject({ tokens_used: 40, tokens_estimated: false });
  });

  it('holds the thoughts', async () => {
    const reasoning = Array.from({ length: 100 }, (_, at) => `thought ${at} `);
    const { model } = await scripted(target, { reasoning, tokens, delayMs: { between: 10 } });
    const { end, reasoning: thought } = await cancel(model);
    expect(end.usage.estimated).toBe(true);
    const words = thought.trim().split(' ').length;
    expect(end.usage.output_tokens).toBeGreaterThanOrEqual(words / 2);
    expect(end.usage.output_tokens).toBeLessThan(words * 3);
  });
});

it('estimated usage includes reasoning and tool calls when the service counts nothing', async () => {
  const userId = unique('owner');
  await post({ user_id: userId, title: 'Manual', text: 'The blue valve needs oil.' });
  const query = 'How often does the blue valve need oil? '.repeat(10);
  const toolCalls = [[{ name: 'search_documents', input: { query } }]];
  const reasoning = Array.from({ length: 100 }, (_, at) => `thought ${at} `);
  const { model } = await scripted(target, { toolCalls, reasoning, tokens, usage: 'missing' });
  const { end } = await ask(model, await conversation(target, { user_id: userId }));
  expect(end.usage.estimated).toBe(true);
  // A hundred words and as many numbers in each of two steps, and a call of ninety words.
  expect(end.usage.output_tokens).toBeGreaterThan(450);
  expect(end.usage.output_tokens).toBeLessThan(900);
  // The second prompt holds the call, and what it found.
  expect(end.usage.input_tokens).toBeGreaterThan(100);
});
