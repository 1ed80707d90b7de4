import { expect, it } from 'vitest';
import {
  cursorPrefix,
  cursorTag,
  decodeCursor,
  encodeEnd,
  encodePosition,
  isCursorOf,
} from '../../../src/core/cursor.ts';
import { newId } from '../../../src/core/ids.ts';

const turn = { turnId: newId(), sequenceNumber: 1234 };
const prefix = cursorPrefix(turn);

it.each([
  ['the start', prefix, 'start'],
  ['the end', encodeEnd(prefix), 'end'],
  ['a place in the first part', encodePosition(prefix, 0, 46), { part: 0, offset: 46 }],
  ['a place in a later part', encodePosition(prefix, 3, 46), { part: 3, offset: 46 }],
  ['the first unit', encodePosition(prefix, 0, 0), { part: 0, offset: 0 }],
  ['far into a long answer', encodePosition(prefix, 9, 987_654), { part: 9, offset: 987_654 }],
] as const)('says %s and reads it back', (_name, text, at) => {
  const cursor = decodeCursor(text);
  expect(cursor).toEqual({ tag: cursorTag(turn.turnId), sequenceNumber: 1234, at });
  expect(isCursorOf(cursor, turn)).toBe(true);
});

it('every position of an answer and its end have distinct cursors', () => {
  const offsets = Array.from({ length: 2_000 }, (_offset, offset) => offset);
  const texts = offsets.map((offset) => encodePosition(prefix, 0, offset));
  expect(new Set([...texts, prefix, encodeEnd(prefix)]).size).toBe(offsets.length + 2);
  for (const [offset, text] of texts.entries()) {
    expect(decodeCursor(text).at, text).toEqual({ part: 0, offset });
  }
});

it('a cursor holds only characters that headers and SSE lines can carry', () => {
  expect(encodePosition(prefix, 9, 987_654)).toMatch(/^[\w.-]{1,32}$/u);
});

it.each([
  '',
  'x',
  '0',
  `${prefix}.`,
  `${prefix}.E`,
  `${prefix}.-1`,
  `${prefix}.1.2.3`,
  `${prefix}.1.`,
  ` ${prefix}`,
  `${prefix}\n`,
  `${prefix}.1\u0000`,
  `${prefix}.zzzzzzzzz`,
  "' OR 1=1 --",
  '９９９９9',
])('refuses %j, which it never gave out', (text) => {
  expect(() => decodeCursor(text)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }));
});

it('a cursor belongs to one turn only', () => {
  const cursor = decodeCursor(encodeEnd(prefix));
  expect(isCursorOf(cursor, { ...turn, sequenceNumber: 1236 })).toBe(false);
  const others = Array.from({ length: 100 }, () => ({ ...turn, turnId: newId() }));
  expect(others.filter((other) => isCursorOf(cursor, other))).toEqual([]);
});
