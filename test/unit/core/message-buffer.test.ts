import { describe, expect, it } from 'vitest';
import { MessageBuffer } from '../../../src/core/message-buffer.ts';
import type { Part } from '../../../src/core/parts.ts';

const call: Part = { type: 'tool_call', tool_call_id: 'c', name: 'n', input: {} };
const deltas = ['Hel', 'l', '', 'o, ', '😀', ' wor', 'ld'];
const whole = deltas.join('');

function grown(): MessageBuffer {
  const parts = new MessageBuffer();
  for (const delta of deltas) parts.append('text', delta);
  return parts;
}

it('joins what is appended to the same type, and begins a part where the type changes', () => {
  const parts = new MessageBuffer();
  for (const delta of ['h', 'm']) parts.append('reasoning', delta);
  for (const delta of deltas) parts.append('text', delta);
  parts.add({ ...call });
  parts.append('text', 'done');
  expect(parts.all()).toEqual([
    { type: 'reasoning', text: 'hm' },
    { type: 'text', text: whole },
    call,
    { type: 'text', text: 'done' },
  ]);
  expect(parts.textLength).toBe(`${whole}done`.length);
  expect(parts.count).toBe(4);
});

it('makes no part of an empty delta', () => {
  const parts = new MessageBuffer();
  parts.append('text', '');
  expect(parts.all()).toEqual([]);
  expect(parts.end()).toEqual({ part: 0, offset: 0 });
});

describe('a reader', () => {
  it('gets everything after its position, from every position', () => {
    const parts = grown();
    for (let offset = 0; offset <= whole.length; offset += 1) {
      expect(parts.textAt(0, offset), `from ${offset}`).toBe(whole.slice(offset));
    }
  });

  it('misses and repeats nothing, however often it reads', () => {
    const parts = new MessageBuffer();
    let seen = '';
    for (const delta of deltas) {
      parts.append('text', delta);
      if (seen.length % 2 === 0) seen += parts.textAt(0, seen.length) ?? '';
    }
    seen += parts.textAt(0, seen.length) ?? '';
    expect(seen).toBe(whole);
  });

  it('gets the rest of the part it stands in first, and later parts whole', () => {
    const parts = grown();
    parts.append('reasoning', 'wait');
    expect(parts.since({ part: 0, offset: whole.length - 2 })).toEqual([
      { type: 'text', text: 'ld' },
      { type: 'reasoning', text: 'wait' },
    ]);
    expect(parts.since(parts.end())).toEqual([]);
  });
});

describe('a place', () => {
  const parts = grown();
  const smile = whole.indexOf('😀');

  it.each([
    ['at the beginning', { part: 0, offset: 0 }, true],
    ['at the end', { part: 0, offset: whole.length }, true],
    ['before an emoji', { part: 0, offset: smile }, true],
    ['after an emoji', { part: 0, offset: smile + 2 }, true],
    ['inside an emoji', { part: 0, offset: smile + 1 }, false],
    ['beyond the end', { part: 0, offset: whole.length + 1 }, false],
    ['in a part that does not exist', { part: 1, offset: 0 }, false],
  ] as const)('%s', (_name, position, has) => {
    expect(parts.has(position)).toBe(has);
  });
});

it('a buffer made from stored parts holds the same', () => {
  const parts: Part[] = [{ type: 'reasoning', text: 'hm' }, call, { type: 'text', text: whole }];
  const stored = MessageBuffer.of(parts);
  expect(stored.all()).toEqual(parts);
  expect(stored.end()).toEqual({ part: 2, offset: whole.length });
  expect(stored.textLength).toBe(whole.length);
});

it('costs a token what it adds: a hundred thousand of them are quick to write and to follow', () => {
  const parts = new MessageBuffer();
  let read = 0;
  const begun = performance.now();
  for (let index = 0; index < 100_000; index += 1) {
    parts.append('text', 'token ');
    read += (parts.textAt(0, read) ?? '').length;
  }
  expect(read).toBe(600_000);
  // About 30 ms here; re-joining the text for each token would take minutes.
  expect(performance.now() - begun).toBeLessThan(2_000);
});
