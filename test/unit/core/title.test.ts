import { expect, it } from 'vitest';
import { MAX_TITLE_LENGTH, titleFrom } from '../../../src/core/title.ts';

it.each([
  [
    'the first eight words',
    'one two three four five six seven eight nine',
    'One two three four five six seven eight',
  ],
  ['fewer where there are fewer', 'hello', 'Hello'],
  ['one space between them', '  hello \n\t there\u3000you ', 'Hello there you'],
  ['a capital that is not ASCII', 'élan vital', 'Élan vital'],
  ['no change of what is no letter', '¿qué tal?', '¿qué tal?'],
  ['no change of other letters', 'iPhone or McDonald', 'IPhone or McDonald'],
  ['a letter outside the basic plane', '𐐨 deseret', '𐐀 deseret'],
  ['an emoji first', '😀 hi', '😀 hi'],
])('is %s', (_name, text, title) => {
  expect(titleFrom({ text, words: 8 })).toBe(title);
});

it('has at most 80 characters and no half of one', () => {
  expect(titleFrom({ text: 'x'.repeat(200), words: 8 })).toHaveLength(MAX_TITLE_LENGTH);
  const emoji = titleFrom({ text: `x${'😀'.repeat(100)}`, words: 8 }) ?? '';
  expect(emoji.isWellFormed()).toBe(true);
  expect(emoji.length).toBeLessThanOrEqual(MAX_TITLE_LENGTH);
  expect(titleFrom({ text: `${'x'.repeat(79)} tail`, words: 8 })).toBe(`X${'x'.repeat(78)}`);
});

it('has as many words as it is told', () => {
  expect(titleFrom({ text: 'one two three', words: 2 })).toBe('One two');
});

it('is none where nothing is said', () => {
  expect(titleFrom({ text: ' \n ', words: 8 })).toBeNull();
});
