/** What is sent as documented is heard as its provider alone would have it told. */
import { createGroq } from '@ai-sdk/groq';
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { expect, it } from 'vitest';
import { followParts } from '../../../../src/models/part-stream.ts';
import { askModel, hear } from './ask-model.ts';
import { chunk, done, event } from '../../../support/deviations/deviation.ts';

const ANSWERS = 150;

/** A generator of numbers that is the same in every run (mulberry32). */
function randomFrom(seed: number) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    below: (count: number) => Math.floor(next() * count),
    pick: <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] ?? (from[0] as T),
  };
}

const WORDS = ['one ', '\n"two"\n', '漢字', '😀', ' \\ ', '', '<b>', '\u2028', 'data: x\n\n'];

/** An answer as its service documents it: thoughts, texts, calls, a finish and counts. */
function answer(seed: number, provider: 'openai' | 'groq'): string {
  const random = randomFrom(seed);
  const texts = Array.from({ length: random.below(6) }, () => random.pick(WORDS));
  const thoughts = provider === 'groq' ? texts.slice(0, random.below(3)) : [];
  const calls = random.below(3) === 0 ? 1 + random.below(2) : 0;
  const pieces = Array.from({ length: calls }, (_, index) => [
    { index, id: `call-${index}`, type: 'function', function: { name: 'f', arguments: '' } },
    { index, function: { arguments: '{"a":' } },
    { index, function: { arguments: `${random.below(9)}}` } },
  ]).flat();
  const usage = {
    prompt_tokens: random.below(100),
    completion_tokens: random.below(100),
    total_tokens: 0,
    prompt_tokens_details: { cached_tokens: random.below(9) },
    completion_tokens_details: { reasoning_tokens: random.below(9) },
  };
  const finish = calls > 0 ? 'tool_calls' : random.pick(['stop', 'length', 'content_filter']);
  const isGroq = provider === 'groq';
  return [
    chunk({ role: 'assistant', content: '' }),
    ...thoughts.map((reasoning) => chunk({ reasoning })),
    ...texts.map((content) => chunk({ content })),
    ...pieces.map((piece) => chunk({ tool_calls: [piece] })),
    chunk({}, finish, isGroq ? { x_groq: { id: 'x', usage } } : {}),
    ...(isGroq ? [] : [event({ choices: [], usage })]),
    done,
  ].join('');
}

function provided(provider: 'openai' | 'groq', body: string): LanguageModelV4 {
  const settings = {
    apiKey: 'key',
    fetch: () =>
      Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } })),
  };
  return provider === 'groq' ? createGroq(settings)('m') : createOpenAI(settings).chat('m');
}

it.each(['openai', 'groq'] as const)(
  '%s, in many answers',
  { timeout: 60_000 },
  async (provider) => {
    for (let seed = 0; seed < ANSWERS; seed++) {
      const body = answer(seed, provider);
      const prompt = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Hi' }] }];
      const expected = await hear(async (onPart) => {
        const { stream } = await provided(provider, body).doStream({ prompt });
        await followParts(stream, onPart);
      });
      const size = 1 + (seed % 50);
      for (const fastPath of [true, false])
        expect(await askModel({ body, provider, fastPath, size })).toEqual(expected);
    }
  },
);
