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
  ['no capital that would be two letters', 'ßtart here', 'ßtart here'],
  ['no capital of a ligature', 'ﬁnd me', 'ﬁnd me'],
  ['a capital with its accent', 'e\u0301tude', 'E\u0301tude'],
  ['no override of the direction', 'a\u202Etxt.exe\u202C b', 'Atxt.exe b'],
  ['no isolates and marks of direction', '\u2066a\u2069 \u200Fb\u061C', 'A b'],
  ['no control characters', '\u001B[31mred\u0007 \u0085 alert', '[31mred alert'],
  ['no word of what cannot be seen', '\u200B \u2060 \uFEFF hi', 'Hi'],
  ['the joiners that a script is written with', 'می\u200Cخواهم', 'می\u200Cخواهم'],
])('is %s', (_name, text, title) => {
  expect(titleFrom({ text, words: 8 })).toBe(title);
});

it('a title has at most 80 units and ends at a whole character', () => {
  expect(titleFrom({ text: 'x'.repeat(200), words: 8 })).toHaveLength(MAX_TITLE_LENGTH);
  const emoji = titleFrom({ text: `x${'😀'.repeat(100)}`, words: 8 }) ?? '';
  expect(emoji.isWellFormed()).toBe(true);
  expect(emoji.length).toBeLessThanOrEqual(MAX_TITLE_LENGTH);
  expect(titleFrom({ text: `${'x'.repeat(79)} tail`, words: 8 })).toBe(`X${'x'.repeat(78)}`);
});

it.each([
  ['a family', '👨‍👩‍👧‍👦'],
  ['a flag', '🇩🇪'],
  ['a letter with marks', 'o\u0308\u0323'],
  ['a syllable of Hindi', 'क्षि'],
  ['a tone of skin', '👍🏽'],
])('is not cut within %s', (_name, character) => {
  for (let before = 60; before <= 80; before++) {
    const text = 'x'.repeat(before) + character.repeat(3);
    const title = titleFrom({ text, words: 8 }) ?? '';
    const kept = Math.floor((MAX_TITLE_LENGTH - before) / character.length);
    expect(title).toBe(`X${text.slice(1, before)}${character.repeat(Math.min(kept, 3))}`);
  }
});

it('a title that is one endless character is cut too', () => {
  const title = titleFrom({ text: `a${'\u0301'.repeat(500)}`, words: 8 }) ?? '';
  expect(title).toHaveLength(MAX_TITLE_LENGTH);
});

it('a title has at most the given number of words', () => {
  expect(titleFrom({ text: 'one two three', words: 2 })).toBe('One two');
});

it('a text without words has no title', () => {
  expect(titleFrom({ text: ' \n ', words: 8 })).toBeNull();
});
