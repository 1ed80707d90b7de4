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
    expect(words('GPT-4で機械学習')).toEqual(['gpt', '4', 'gpt4', 'で機', '機械', '械学', '学習']);
    expect(words('機械v2.1学')).toEqual(['機械', 'v', '2', 'v2', '1', '2p1', 'v2p1', '学']);
  });

  test.each([
    ['ISO9001', ['iso', '9001', 'iso9001']],
    ['ISO 9001', ['iso', '9001']],
    ['iso-9001', ['iso', '9001', 'iso9001']],
    ['2.3.1', ['2', '3', '1', '2p3p1']],
    ['AB-12/3', ['ab', '12', '3', '12p3', 'ab12p3']],
    ['AB\u201112', ['ab', '12', 'ab12']],
    ['27001:2013', ['27001', '2013', '27001p2013']],
    ['db0a16085a36', ['db0a16085a36']],
    ['well-known e.g.', ['well', 'known', 'e', 'g']],
    ['Kraft\u00adfahr\u200bzeug\u2060s\ufeffteuer', ['kraftfahrzeugsteuer']],
    ['STRASSE Straße ẞ', ['strasse', 'strasse', 'ss']],
    ['Øre Łódź đak ıspanak İzmir œuvre æsir', 'ore lodz dak ispanak izmir oeuvre aesir'.split(' ')],
    ['كـــتاب', ['كتاب']],
    ['λόγος', ['λογοσ']],
  ])('words of %s', (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  test.each(['1-', 'a1', '1.', 'a-', '\u00ad', '1\u2011', 'é1_', '語1'])(
    'are found in time however often a text says %s',
    (piece) => {
      const started = performance.now();
      words(piece.repeat(300_000));
      expect(performance.now() - started).toBeLessThan(5_000);
    },
  );
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
    const texts = keywordText(list).split(' ');
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
