import type { LanguageModelV4Prompt } from '@ai-sdk/provider';
import { describe, expect, it } from 'vitest';
import { MessageBuffer } from '../../../../src/core/message-buffer.ts';
import { estimateTokens } from '../../../../src/core/tokens.ts';
import {
  countUsage,
  estimateOutput,
  estimatePrompt,
  type ReportedUsage,
} from '../../../../src/turns/run/count-usage.ts';

const usage = (input: number | undefined, output: number | undefined) => ({
  inputTokens: { total: input, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: output, text: undefined, reasoning: undefined },
});

const question = 'How many tokens is a question of some length, roughly speaking?';
const prompt: LanguageModelV4Prompt = [
  { role: 'user', content: [{ type: 'text', text: question }] },
];
const said = 'An answer of a few words, which took a model some time.';

/** Counts calls that each said `text`, with a tool's result after all but the last. */
function count(reported: readonly ReportedUsage[], text = said) {
  const answer = new MessageBuffer();
  const calls = reported.map((counts, index) => {
    if (index > 0) answer.add({ type: 'tool_result', tool_call_id: 'c', output: 'x'.repeat(999) });
    const start = answer.end();
    answer.append('text', text);
    return { reported: counts, prompt, start };
  });
  return countUsage({ calls, others: [], answer });
}

const input = estimateTokens(question);
const output = estimateTokens(said);

describe('usage of a turn', () => {
  it.each([
    ['is what the provider counts', [usage(5, 7)], 5, 7, false],
    ['is not nothing for a text that is there', [usage(5, 0)], 5, output, true],
    ['is that of all steps together', [usage(5, 7), usage(6, 1)], 11, 8, false],
    ['is estimated where there is none', [undefined], input, output, true],
    ['is estimated where half is missing', [usage(5, undefined)], 5, output, true],
    ['is not less than nothing', [usage(-5, -7)], input, output, true],
    ['is not NaN', [usage(Number.NaN, 7)], input, 7, true],
    ['is not infinite', [usage(5, Infinity)], 5, output, true],
    ['is not beyond belief', [usage(1e300, 2 ** 60)], input, output, true],
    ['is not a fraction', [usage(1.5, 2.25)], input, output, true],
    [
      'keeps what was reported of a step before one that was cut',
      [usage(5_000, 300), undefined],
      5_000 + input,
      300 + output,
      true,
    ],
    [
      'keeps what was reported of a step after one without counts',
      [undefined, usage(5_000, 300)],
      5_000 + input,
      300 + output,
      true,
    ],
  ] as const)('%s', (_name, reported, inputTokens, outputTokens, estimated) => {
    expect(count(reported)).toEqual({ inputTokens, outputTokens, estimated });
  });

  it('may be zero when there is no output', () => {
    const counted = { inputTokens: 5, outputTokens: 0, estimated: false };
    expect(count([usage(5, 0)], '')).toEqual(counted);
  });

  it('includes the calls for a search and is estimated when one was not counted', () => {
    const answer = new MessageBuffer();
    const calls = [{ reported: usage(5, 7), prompt, start: answer.end() }];
    const counted = countUsage({ calls, others: [usage(30, 3)], answer });
    expect(counted).toEqual({ inputTokens: 35, outputTokens: 10, estimated: false });
    expect(countUsage({ calls, others: [undefined], answer }).estimated).toBe(true);
  });
});

it('reasoning and tool calls count as output, results and sources do not', () => {
  const call = { name: 'search_documents', input: { query: 'the blue valve' } };
  const tokens = estimateOutput([
    { type: 'sources', sources: [] },
    { type: 'reasoning', text: said },
    { type: 'tool_call', tool_call_id: 'c1', ...call },
    { type: 'tool_result', tool_call_id: 'c1', output: said.repeat(100) },
    { type: 'text', text: said },
  ]);
  const ofCall = estimateTokens(call.name) + estimateTokens(JSON.stringify(call.input));
  expect(tokens).toBe(2 * output + ofCall);
});

it('an estimated prompt includes texts, tool calls and their results', () => {
  const value = { passages: [said.repeat(20)] };
  const call = { toolCallId: 'c1', toolName: 'search', input: { query: said } };
  const tokens = estimatePrompt([
    { role: 'system', content: 'Be brief.' },
    ...prompt,
    { role: 'assistant', content: [{ type: 'tool-call', ...call }] },
    {
      role: 'tool',
      content: [
        {
          type: 'tool-result',
          toolCallId: 'c1',
          toolName: 'search',
          output: { type: 'json', value },
        },
      ],
    },
  ]);
  const texts = [said, JSON.stringify(value)].map(estimateTokens);
  const least = texts.reduce((sum, each) => sum + each, input);
  expect(tokens).toBeGreaterThanOrEqual(least);
  expect(tokens).toBeLessThan(least + 30);
});
