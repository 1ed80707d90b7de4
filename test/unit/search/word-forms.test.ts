import { beforeAll, describe, expect, test } from 'vitest';
import { keywordQuery } from '../../../src/search/fts-query.ts';
import { pooled } from '../../../src/search/word-forms.ts';
import { loadLanguages } from '../../../src/text/languages.ts';
import { words } from '../../../src/text/words.ts';

beforeAll(() => loadLanguages(['de']));

describe('a question in a library with German texts', () => {
  test('has its words as they are written, and as German has them', () => {
    const { terms, sameWords, match } = keywordQuery('Sind die Kündigungen möglich?', ['de']);
    expect(terms.get(undefined)).toEqual(['kundigungen', 'moglich']);
    expect(terms.get('de')).toEqual(['kundig', 'moglich']);
    expect(sameWords).toEqual([['kundigungen', 'kundig']]);
    expect(match).toBe('"kundigungen" OR "moglich" OR "kundig" OR "sind" OR "die"');
  });

  test('keeps words that only look like function words of German', () => {
    const { terms } = keywordQuery('who won the war of 1812?', ['de']);
    expect(terms.get(undefined)).toEqual(['won', 'war', '1812']);
  });

  test('is as without German where it has none', () => {
    const { terms, sameWords } = keywordQuery('landlords and leases');
    expect([...terms]).toEqual([[undefined, ['landlord', 'leas']]]);
    expect(sameWords).toEqual([]);
  });
});

test('Italian words meet in all their forms where a library has Italian texts', () => {
  const { terms } = keywordQuery('Quali contratti sono stati firmati dagli inquilini?', ['it']);
  expect(terms.get(undefined)).toContain('contratti');
  const stems = words('Gli inquilini hanno firmato un contratto.', 'it');
  expect(stems).toEqual(['inquilin', 'firm', 'contratt']);
  expect(terms.get('it')).toEqual(expect.arrayContaining(stems));
});

test('a form that few chunks have is not rare if the same word has others', () => {
  const counted = new Map([...Object.entries({ kundigungen: 1, kundig: 40, moglich: 9 })]);
  const same = pooled(counted, [['kundigungen', 'kundig']]);
  expect(Object.fromEntries(same)).toEqual({ kundigungen: 41, kundig: 41, moglich: 9 });
});
