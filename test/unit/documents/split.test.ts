import * as htmlparser2 from 'htmlparser2';
import { describe, expect, test } from 'vitest';
import { htmlToText } from '../../../src/documents/html-to-markdown.ts';
import { headingLineOf } from '../../../src/core/document.ts';
import { LONGEST_HEADING, split } from '../../../src/documents/split.ts';

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
      expect(chunk.tokens).toBeLessThanOrEqual(400);
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

  test('each chunk goes on where the one before it ended, though a long sentence leaves no room to repeat', () => {
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
