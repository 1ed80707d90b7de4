import { createClient } from '@libsql/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keywordText, termOf, words } from '../../../src/text/words.ts';
import { keywordQuery, MAXIMUM_QUERY_WORDS } from '../../../src/search/fts-query.ts';

const client = createClient({ url: 'file::memory:' });

beforeAll(async () => {
  await client.execute(
    `CREATE VIRTUAL TABLE w USING fts5(text, content='', contentless_delete=1, tokenize='porter unicode61')`,
  );
  const texts = [
    'The café opened',
    '機械学習は面白い',
    'running shoes',
    'i am who you are',
    'नमस्ते दुनिया',
  ];
  for (const [at, text] of texts.entries()) {
    await client.execute({
      sql: 'INSERT INTO w (rowid, text) VALUES (?, ?)',
      args: [at + 1, keywordText(text)],
    });
  }
});
afterAll(() => client.close());

async function found(text: string): Promise<number[]> {
  const { match } = keywordQuery(text);
  if (match === null) return [];
  const { rows } = await client.execute({
    sql: 'SELECT rowid FROM w WHERE w MATCH ?',
    args: [match],
  });
  return rows.map((row) => Number(row['rowid']));
}

describe('keywordQuery', () => {
  test.each([
    ['CAFE', [1]],
    ['café', [1]],
    ['cafe\u0301', [1]],
    ['学習', [2]],
    ['面白い機械', [2]],
    ['run', [3]],
    ['who are you', [4]],
    ['नमस्ते', [5]],
    ['nothing of this', []],
  ])('%s finds %j', async (text, expected) => {
    expect(await found(text)).toEqual(expected);
  });

  test.each([
    ['"unbalanced'],
    ['col:x'],
    ['a OR'],
    ['('],
    ['-'],
    ['NEAR(a b, 2)'],
    ['^a* + b'],
    ["'; DROP TABLE w; --"],
    ['a\0b'],
    ['\ud800'],
    ['%_'],
    [''],
    ['😀'],
    ['ⅷ ½ ٣'],
    ['x'.repeat(10_000)],
    ['word '.repeat(5_000)],
  ])('%j is a query and never an error', async (text) => {
    await expect(found(text)).resolves.toBeInstanceOf(Array);
  });

  test('function words are left out where something else is left', () => {
    expect(keywordQuery('what is the boiling point').words).toEqual(['boiling', 'point']);
  });

  test('the number of words is bounded, and the most frequent stay', () => {
    const many = Array.from({ length: 100 }, (_, at) => `w${at}`).join(' ');
    const query = keywordQuery(`${many} lighthouse lighthouse`);
    expect(query.words).toHaveLength(MAXIMUM_QUERY_WORDS);
    expect(query.words).toContain('lighthouse');
  });
});

describe('words', () => {
  test('scripts without spaces become pairs, others stay whole', () => {
    expect(words('GPT-4で機械学習')).toEqual(['gpt', '4', 'で機', '機械', '械学', '学習']);
  });
});

describe('the stem of a word', () => {
  // Examples of Porter's paper.
  test.each([
    ['caresses', 'caress'],
    ['ponies', 'poni'],
    ['agreed', 'agre'],
    ['motoring', 'motor'],
    ['hopping', 'hop'],
    ['filing', 'file'],
    ['happy', 'happi'],
    ['relational', 'relat'],
    ['vietnamization', 'vietnam'],
    ['electrical', 'electr'],
    ['adoption', 'adopt'],
    ['controll', 'control'],
    ['probate', 'probat'],
    ['oscillators', 'oscil'],
  ])('%s → %s', (word, expected) => {
    expect(termOf(word)).toBe(expected);
  });

  test('is what the index makes of a word', async () => {
    const list =
      'eed ies sses agreed feed ties dies caresses yes saying dyed sing ing ed ion abed exceed ' +
      'proceeding generalizations oscillators 9001s iso9001s x86ing h2o2ational ñandús straßen';
    const texts = list.split(' ').map(keywordText);
    await client.batch([
      `CREATE VIRTUAL TABLE stems USING fts5(text, tokenize='porter unicode61')`,
      `CREATE VIRTUAL TABLE stem_terms USING fts5vocab(stems, 'instance')`,
      ...texts.map((text, at) => ({
        sql: 'INSERT INTO stems (rowid, text) VALUES (?, ?)',
        args: [at + 1, text],
      })),
    ]);
    const { rows } = await client.execute('SELECT term, doc FROM stem_terms ORDER BY doc');
    expect(rows.map(({ term }) => term)).toEqual(texts.map(termOf));
  });
});
