import { expect, it } from 'vitest';
import { clean, SafeText } from '../../../src/core/safe-text.ts';

function through(deltas: string[]): string[] {
  const safe = new SafeText();
  return [...deltas.map((delta) => safe.push(delta)), safe.flush()];
}

it.each([
  ['plain text', ['Hel', 'lo'], ['Hel', 'lo', '']],
  ['an emoji cut in two', ['a\uD83D', '\uDE00b'], ['a', '😀b', '']],
  ['an emoji cut in two with an empty delta between', ['\uD83D', '', '\uDE00'], ['', '', '😀', '']],
  ['a first half at the end', ['a\uD83D'], ['a', '\uFFFD']],
  ['a first half that gets another letter', ['\uD83D', 'x'], ['', '\uFFFDx', '']],
  ['a second half by itself', ['x\uDE00y'], ['x\uFFFDy', '']],
  ['halves in the wrong order', ['\uDE00\uD83D', 'z'], ['\uFFFD', '\uFFFDz', '']],
  ['NUL', ['a\0b', '\0'], ['ab', '', '']],
  ['NUL between the halves', ['\uD83D\0', '\uDE00'], ['\uFFFD', '\uFFFD', '']],
  ['an emoji of several code points', ['👩', '\u200D', '🚀'], ['👩', '\u200D', '🚀', '']],
])('makes %s safe', (_name, deltas, expected) => {
  const out = through(deltas);
  expect(out).toEqual(expected);
  expect(out.every((text) => text.isWellFormed() && !text.includes('\0'))).toBe(true);
});

it('SafeText loses nothing of a text, wherever its deltas are cut', () => {
  const text = 'Zoë 😀👩‍🚀 \u2028 end';
  const units = Array.from({ length: text.length }, (_unit, index) => text.charAt(index));
  expect(through(units).join('')).toBe(text);
});

it('clean removes NUL and replaces lone surrogates', () => {
  expect(clean('a\0\uD83Db😀')).toBe('a\uFFFDb😀');
});
