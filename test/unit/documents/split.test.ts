import * as htmlparser2 from 'htmlparser2';
import { describe, expect, test } from 'vitest';
import { htmlToText } from '../../../src/documents/html-to-markdown.ts';
import { headingLineOf } from '../../../src/core/document.ts';
import { CHUNK_TOKENS, LONGEST_HEADING, split } from '../../../src/documents/split.ts';

const SENTENCES = Array.from(
  { length: 120 },
  (_, at) => `Sentence number ${at} speaks of the ${at}th lighthouse.`,
).join(' ');

function covered(text: string, chunks: ReturnType<typeof split>): boolean {
  let end = 0;
  for (const chunk of chunks) {
    if (chunk.start > end && text.slice(end, chunk.start).trim() !== '') return false;
    end = Math.max(end, chunk.end);
  }
  return text.slice(end).trim() === '';
}

describe('split', () => {
  test.each([
    ['sentences', SENTENCES],
    ['no spaces', 'x'.repeat(20_000)],
    ['Chinese', '機械学習は面白い。'.repeat(800)],
    ['emoji', '😀'.repeat(5_000)],
    ['windows line ends', 'one two three.\r\n\r\nfour five six.\r\n'.repeat(200)],
    ['Markdown', `# A\n\n${SENTENCES}\n\n## B\n\n${SENTENCES}\n`],
  ])('%s: slices of the original that leave out nothing', (_, text) => {
    const chunks = split(text);
    expect(chunks.length).toBeGreaterThan(1);
    for (const chunk of chunks) {
      expect(chunk.text).toBe(text.slice(chunk.start, chunk.end));
      expect(chunk.text.isWellFormed()).toBe(true);
      expect(chunk.tokens).toBeLessThanOrEqual(CHUNK_TOKENS);
    }
    expect(covered(text, chunks)).toBe(true);
    expect(split(text)).toEqual(chunks);
  });

  test('consecutive chunks overlap by whole sentences within the budget', () => {
    const [first, second] = split(SENTENCES, { maximumTokens: 100, overlapTokens: 30 });
    expect(second!.start).toBeLessThan(first!.end);
    expect(second!.text).toMatch(/^Sentence number \d+ /);
    const [, apart] = split(SENTENCES, { maximumTokens: 100, overlapTokens: 0 });
    expect(apart!.start).toBeGreaterThanOrEqual(
      split(SENTENCES, { maximumTokens: 100, overlapTokens: 0 })[0]!.end,
    );
  });

  test('each chunk continues where the previous one ended, even when a long sentence leaves no room for an overlap', () => {
    const sparse = `a${' '.repeat(5_000)}`.repeat(40);
    const text = `${'語'.repeat(400)}。${sparse}.\n${'語'.repeat(470)}。`;
    const chunks = split(text);
    expect(chunks.map(({ end }) => end)).toEqual([...new Set(chunks.map(({ end }) => end))]);
    expect(covered(text, chunks)).toBe(true);
  });

  test('headings are the path above a chunk, and none come from a code fence', () => {
    const text = `# Guide\n\n${SENTENCES}\n\n## Setup\n\n\`\`\`sh\n# not a heading\n\`\`\`\n\n${SENTENCES}\n\n# Other\n\n${SENTENCES}`;
    const paths = new Set(split(text).map(({ headings }) => headings.join('/')));
    expect([...paths]).toEqual(['Guide', 'Guide/Setup', 'Other']);
  });

  test('a heading has a most: a longer line is text, and all of it is there', () => {
    const longest = 'h'.repeat(LONGEST_HEADING);
    expect(split(`# ${longest}\n\ntext`)).toMatchObject([{ headings: [longest] }]);
    const text = `# ${longest}h\n\ntext`;
    expect(split(text)).toMatchObject([{ headings: [], text }]);
  });

  test.each([
    ['Markdown', `# Guide\n\n# ${SENTENCES.repeat(20)}`],
    ['HTML', htmlToText(htmlparser2, `<h1>Guide</h1><h1>${SENTENCES.repeat(20)}</h1>`).text],
  ])('a heading as long as its document is in none of its chunks: %s', (_, text) => {
    const chunks = split(text);
    expect(chunks.length).toBeGreaterThan(50);
    expect(covered(text, chunks)).toBe(true);
    for (const chunk of chunks) {
      expect(chunk.text).toBe(text.slice(chunk.start, chunk.end));
      expect(headingLineOf({ ...chunk, title: 'T' }).length).toBeLessThan(20);
      expect(chunk.headings).toEqual(['Guide']);
    }
  });

  const rows = Array.from({ length: 300 }, (_, at) => [
    `AB-${at}`,
    `Part no. ${at}. Blue.`,
    `${at * 3}`,
  ]);
  const lines = (separator: string) => rows.map((row) => row.join(separator)).join('\n');
  test.each([
    [
      'Markdown',
      `# Parts\n\n| No | Name | Price |\n|---|:--|--:|\n${lines(' | ')}\n\nAfter it.`,
      '',
    ],
    ['CSV', `No,Name,Price\n${lines(',')}`, 'text/csv'],
    ['quoted CSV', `"No";"Name";"Price"\n${lines(';')}`, 'text/csv'],
    ['tabs', `No\tName\tPrice\n${lines('\t')}`, 'text/tab-separated-values'],
    [
      'HTML',
      htmlToText(
        htmlparser2,
        `<table><tr><th>No<th>Name<th>Price${rows.map((row) => `<tr><td>${row.join('<td>')}`).join('')}</table>`,
      ).text,
      '',
    ],
  ])('chunks that go on with a table have its header, and whole rows: %s', (_, text, mimeType) => {
    const chunks = split(text, { mimeType });
    expect(chunks.length).toBeGreaterThan(5);
    expect(covered(text, chunks)).toBe(true);
    for (const chunk of chunks.slice(1)) {
      if (chunk.text.startsWith('After it')) continue;
      expect(chunk.headings.at(-1)).toBe('No | Name | Price');
      expect(chunk.text).toMatch(/^\|? ?AB-\d+/);
    }
    expect(chunks[0]!.headings).not.toContain('No | Name | Price');
    expect(chunks.at(-1)!.text).toContain('AB-299');
  });

  test.each([
    ['numbers', '1,2\n'.repeat(3_000), 'text/csv'],
    ['codes', 'AB-1,12\n'.repeat(3_000), 'text/csv'],
    ['a blank line ends a table', `a | b\n--- | ---\n1 | 2\n\n${SENTENCES.repeat(3)}`, ''],
    ['no rule', 'a | b\n'.repeat(3_000), ''],
    ['a rule alone', `--- | ---\n${'a | b\n'.repeat(3_000)}`, ''],
  ])('no chunk has a header where there is none: %s', (_, text, mimeType) => {
    for (const { headings } of split(text, { mimeType })) expect(headings).toEqual([]);
  });

  test('a table header has a longest length and is cut at a cell', () => {
    const header = Array.from({ length: 100 }, (_, at) => `Column y${'x'.repeat(at % 9)}`).join(
      ',',
    );
    const chunk = split(`${header}\n${'a,b,c,d\n'.repeat(3_000)}`, { mimeType: 'text/csv' }).at(
      -1,
    )!;
    expect(chunk.headings[0]!.length).toBeLessThanOrEqual(300);
    expect(header.replaceAll(',', ' | ')).toContain(`${chunk.headings[0]!} | Column`);
  });

  test.each([
    ['bars', '|', ''],
    ['rules', '|---|\n', ''],
    ['tables', 'a|b\n-|-\n\n', ''],
    ['quotes', '"', 'text/csv'],
    ['commas', ',', 'text/csv'],
    ['dashes', '-', ''],
  ])('is quick, however many there are: %s', (_, piece, mimeType) => {
    const started = performance.now();
    split(piece.repeat(Math.floor(1_000_000 / piece.length)), { mimeType });
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('short neighbouring sections share one chunk', () => {
    expect(split('# A\n\none\n\n## B\n\ntwo\n\n## C\n\nthree')).toMatchObject([
      { headings: ['A'] },
    ]);
  });

  test.each([[''], [' \n\n \t']])('blank text %j has no chunk', (text) => {
    expect(split(text)).toEqual([]);
  });

  test.each([
    ['Title ##', 'Title'],
    ['Title \t #  ', 'Title'],
    ['A # B  ##\r', 'A # B'],
    ['C#', 'C#'],
    ['A ## b', 'A ## b'],
  ])('the heading %j is %j', (line, heading) => {
    expect(split(`# ${line}\n\ntext`)).toMatchObject([{ headings: [heading] }]);
  });

  test.each([
    ['without spaces', 'x', 100_000, ''],
    ['of headings', '# \n', 10_000, ''],
    ['of line ends', '\n', 100_000, ''],
    ['of spaces in a heading', ' ', 20_000, '# a'],
    ['of hashes in a heading', ' #', 20_000, '# a'],
  ])('four times a text %s takes no more than about four times as long', (...row) => {
    const [, unit, count, before] = row;
    // Processor time, because others may be using the machine.
    const time = (times: number) => {
      const text = `${before}${unit.repeat(times)}b`;
      const started = process.cpuUsage();
      split(text);
      return process.cpuUsage(started).user / 1000;
    };
    time(count);
    // Quadratic time would be 16 times as long; the margin is for a busy machine.
    expect(time(count * 4)).toBeLessThan(Math.max(time(count), 20) * 12);
  });
});

describe('where chunks end', () => {
  /** The first lines of all chunks, overlaps left out. */
  const starts = (text: string) =>
    split(text, { overlapTokens: 0 }).map((chunk) => chunk.text.split('\n')[0]);

  test('at the end of a function, not at a blank line inside of it', () => {
    const body = (name: string) =>
      `def ${name}(a):\n${'    first = a + 1  # one. two. three.\n'.repeat(8)}\n${'    second = a * 2  # four. five.\n'.repeat(8)}    return first`;
    const names = Array.from({ length: 12 }, (_, at) => `work_${at}`);
    for (const text of [
      names.map(body).join('\n\n'),
      `\`\`\`python\n${names.map(body).join('\n\n')}\n\`\`\``,
    ])
      for (const start of starts(text).slice(1)) expect(start).toMatch(/^def work_/);
  });

  test('with an item of a list, not in the middle of it', () => {
    const items = Array.from(
      { length: 60 },
      (_, at) => `Step ${at} is done first. Then it is looked at again. Nothing else is to do.`,
    );
    for (const mark of ['-', '*', '1.', '  -', '2)'])
      for (const start of starts(items.map((item) => `${mark} ${item}`).join('\n')))
        expect(start).toMatch(/^(?:[-*]|\d[.)]) Step \d+ is done first/);
  });

  test('before a block of code that does not fit any more', () => {
    const code = `\`\`\`ts\n${'const value = compute(1, 2, 3);\n'.repeat(20)}\`\`\``;
    const text = `${SENTENCES.slice(0, 900)}\n${code}\n${SENTENCES.slice(0, 900)}`;
    const chunks = split(text, { overlapTokens: 0 });
    expect(chunks.filter((chunk) => chunk.text.includes('```ts'))).toHaveLength(1);
    expect(starts(text)[1]).toBe('```ts');
  });
});
