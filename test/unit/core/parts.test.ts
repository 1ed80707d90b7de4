import { expect, it } from 'vitest';
import { contentOf, decodeParts, encodeParts, type Part } from '../../../src/core/parts.ts';

const awkward = 'a\nb\r\nc\u2028d\u2029e\t"{}\\\u0085 😀\uFFFD{"type":"text","text":"x"}\n';

const everything: Part[] = [
  { type: 'reasoning', text: awkward },
  { type: 'sources', sources: [] },
  { type: 'tool_call', tool_call_id: 'c1', name: 'find', input: { query: awkward, n: [1, null] } },
  { type: 'tool_result', tool_call_id: 'c1', output: awkward, is_error: true },
  { type: 'text', text: awkward },
];

it('stores any part on a line of its own and reads it back', () => {
  const stored = encodeParts(everything);
  expect(stored.split('\n')).toHaveLength(everything.length);
  expect(decodeParts(stored)).toEqual(everything);
});

it('reads fragments that checkpoints appended as the one part they are', () => {
  const stored = [
    encodeParts([{ type: 'reasoning', text: 'hm' }]),
    encodeParts([
      { type: 'reasoning', text: 'm' },
      { type: 'text', text: 'Hel' },
    ]),
    encodeParts([{ type: 'text', text: 'lo' }]),
  ].join('\n');
  expect(decodeParts(stored)).toEqual([
    { type: 'reasoning', text: 'hmm' },
    { type: 'text', text: 'Hello' },
  ]);
});

it('reads an answer that has nothing yet', () => {
  expect(decodeParts('')).toEqual([]);
  expect(contentOf([])).toBe('');
});

it('counts as content what is said, not what is thought or looked up', () => {
  expect(contentOf([...everything, { type: 'text', text: '!' }])).toBe(`${awkward}!`);
});
