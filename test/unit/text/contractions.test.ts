import { expect, test } from 'vitest';
import { withoutContractions } from '../../../src/text/contractions.ts';
import { keywordQuery } from '../../../src/search/fts-query.ts';

test.each([
  ["my car won't start", ['car', 'start']],
  ['it doesn’t work, I can’t print', ['work', 'print']],
  ["what's new, and who'll pay", ['new', 'pay']],
  ["the driver's licence", ['driver', 'licence']],
])('a question searches for the content words of %j alone', (question, words) => {
  expect(keywordQuery(question).words).toEqual(words);
});

test.each(["l'été", "d'accord", "aujourd'hui", "rock'n'roll", 'can 5 t move', "O'Brien"])(
  'leaves %j as it is',
  (text) => {
    expect(withoutContractions(text)).toBe(text);
  },
);

test('a question of contractions alone still searches for something', () => {
  expect(keywordQuery("don't").match).not.toBeNull();
});
