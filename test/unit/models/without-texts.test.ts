import { expect, it } from 'vitest';
import { withoutTexts } from '../../../src/models/without-texts.ts';

const said = ['Be brief.', 'What does the\nblue wombat eat in winter?', ' wombats '];

it.each([
  ['Invalid input: "the blue wombat eat" is too long', 'Invalid input: "***" is too long'],
  ['What does the blue wombat eat in winter?', '***?'],
  ['the wombat is blue: no such model', 'the wombat is blue: no such model'],
  ['bad "blue wombat eat", bad "eat in winter"', 'bad "***", bad "***"'],
  ['nothing is known of "wombats"', 'nothing is known of "***"'],
  ['', ''],
])('masks what was said in %j', (line, masked) => {
  expect(withoutTexts(line, said)).toBe(masked);
});

it('leaves a line alone where nothing was said', () => {
  expect(withoutTexts('a line of the service', [])).toBe('a line of the service');
});
