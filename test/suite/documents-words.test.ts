/** Words, codes and tables as people write them, and what they are found by. */
import { describe, expect, it } from 'vitest';
import { post, search, upload } from './documents-client.ts';
import { unique } from './target.ts';

/**
 * Sends each text as a document, and answers which of them a question finds, best first, by their
 * titles.
 */
async function library(texts: Record<string, string>) {
  const user_id = unique('user');
  for (const [title, text] of Object.entries(texts)) await post({ user_id, title, text });
  return async (query: string, mode = 'keyword') =>
    (await search({ user_id, query, mode })).map(({ title }) => title);
}

describe('invisible characters', () => {
  it.each(['\u00ad', '\u200b', '\u2060', '\ufeff', '\u200d', '\u200e', '\u202c'])(
    'divide no word: %j',
    async (mark) => {
      const found = await library({
        tax: `Die Kraft${mark}fahr${mark}zeug${mark}steuer wird jähr${mark}lich erhoben.`,
        other: 'Die Kraft der Pumpe und das Fahrzeug.',
      });
      expect(await found('Kraftfahrzeugsteuer')).toEqual(['tax']);
      expect((await found('Kraftfahrzeugsteuer', 'hybrid'))[0]).toBe('tax');
      expect(await found(`jähr${mark}lich`)).toEqual(['tax']);
    },
  );

  it('are no part of a title', async () => {
    const text = '# Kraft\u00adfahrzeug\u200b\u202e\n\nEine Steuer.';
    expect((await post({ user_id: unique('user'), text })).json.title).toBe('Kraftfahrzeug');
  });
});

describe('a code is found however it is written', () => {
  const ways: [string, string[], string[]][] = [
    [
      'a standard',
      ['ISO9001', 'ISO 9001', 'iso-9001', 'ISO\u00a09001', 'ISO_9001'],
      ['ISO 14001', 'IEC 9100'],
    ],
    ['a version', ['v2.3.1', 'version 2.3.1', 'V 2.3.1', '(2.3.1)'], ['v2.3.2', 'v1.3.2', 'v2.31']],
    [
      'a part number',
      ['AB-12/3', 'AB12/3', 'ab 12/3', 'AB\u201112/3', 'AB12-3'],
      ['AB-12/4', 'AC-12/3'],
    ],
    ['a bolt', ['M8x40', 'M8 x 40', 'm8-x40'], ['M8x60', 'M6x40']],
    ['a paper', ['COVID-19', 'covid19', 'Covid 19'], ['COVID-20', 'SARS-19']],
  ];
  it.each(ways)('%s', async (_, written, others) => {
    for (const own of written) {
      const found = await library({
        ...Object.fromEntries(
          others.map((other) => [other, `This concerns ${other} and no more.`]),
        ),
        right: `This concerns ${own} and no more.`,
      });
      for (const asked of written)
        expect([own, asked, (await found(asked))[0]]).toEqual([own, asked, 'right']);
    }
  });
});

describe('letters that have no accent to take off', () => {
  it.each([
    ['Straße', 'Strasse'],
    ['Øresund', 'Oresund'],
    ['Łódź', 'lodz'],
    ['Đakovo', 'dakovo'],
    ['Diyarbakır', 'DIYARBAKIR'],
    ['cœur', 'coeur'],
    ['Ærø', 'aero'],
    ['كـــتاب', 'كتاب'],
    ['Þór', 'thor'],
    ['ΛΟΓΟΣ', 'λόγος'],
  ])('are found in both ways: %s', async (one, other) => {
    const found = await library({ one: `It says ${one} here.`, other: `It says ${other} here.` });
    expect((await found(one)).toSorted()).toEqual(['one', 'other']);
    expect((await found(other)).toSorted()).toEqual(['one', 'other']);
  });
});

describe('a passage from the middle of a table', () => {
  const rows = Array.from({ length: 400 }, (_, at) => [`Pump${at}x`, `${at * 7} EUR`, 'in stock']);
  const lines = (separator: string) => rows.map((row) => row.join(separator)).join('\n');
  it.each([
    [
      'parts.md',
      'text/markdown',
      `# Parts\n\n| Article | Price | State |\n|---|---|---|\n${lines(' | ')}`,
    ],
    ['parts.csv', 'text/csv', `Article,Price,State\n${lines(',')}`],
    ['parts.csv', 'application/vnd.ms-excel', `Article;Price;State\r\n${lines(';')}`],
    [
      'parts.html',
      'text/html',
      `<table><thead><tr><th>Article<th>Price<th>State<tbody>${rows.map((row) => `<tr><td>${row.join('<td>')}`).join('')}</table>`,
    ],
  ])('has the table’s header: %s, %s', async (name, type, content) => {
    const user_id = unique('user');
    await upload({ user_id }, { content, name, type });
    const [passage] = await search({ user_id, query: 'Pump387x price', mode: 'keyword', k: 1 });
    expect(passage!.text).toContain('Pump387x');
    expect(passage!.headings.at(-1)).toBe('Article | Price | State');
  });
});

describe('forms of words in other languages', () => {
  it.each([
    [
      'Russian',
      'Книги хранятся в большом шкафу.',
      'большие шкафы с книгами',
      'Хлеб пекут из муки.',
    ],
    ['Arabic', 'توجد المدرسة قرب الحديقة.', 'مدرسة', 'الخبز يصنع من الدقيق.'],
    [
      'Turkish',
      'Öğrencilerin kitapları dolapta saklanır.',
      'öğrenci kitabı nerede?',
      'Ekmek fırında pişirilir.',
    ],
    [
      'Turkish, without a letter that tells',
      'Müdürler toplantılarını okullarda yapar.',
      'hangi okulda toplanan?',
      'Ekmek fırında pişirilir.',
    ],
  ])('are found: %s', async (_, text, question, other) => {
    const found = await library({ wanted: text, other });
    expect(await found(question)).toEqual(['wanted']);
    expect((await found(question, 'hybrid'))[0]).toBe('wanted');
  });

  it('leaves an English text with a Turkish name English', async () => {
    const found = await library({
      wanted: 'The mayor of Eskişehir opened three libraries for students of Işıklar.',
      other: 'Bread is baked with yeast.',
    });
    expect(await found('library student')).toEqual(['wanted']);
    expect(await found('Which mayor opened a library in Eskişehir?')).toEqual(['wanted']);
  });
});
