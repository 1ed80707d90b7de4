import { expect, test } from 'vitest';
import type { Passage } from '../../../src/search/passage.ts';
import { withoutCopies } from '../../../src/search/worth-citing.ts';

function passage(n: number, text: string): Passage {
  const source = { n, document_id: `document ${n}`, chunk_id: `${n}`, title: null };
  return {
    source: { ...source, snippet: text, score: 1 / n },
    ...{ text, headings: [], ordinal: 0, start: 0, end: text.length, updatedAt: 0 },
    ...{ coverage: 1, cosine: null, keywordRank: n, vectorRank: null },
  };
}

test('a model is told the same text once, and sources are numbered without gaps', () => {
  const told = withoutCopies([passage(1, 'a'), passage(2, 'a'), passage(3, 'b')]);
  expect(told.map(({ text, source }) => [text, source.n, source.document_id])).toEqual([
    ['a', 1, 'document 1'],
    ['b', 2, 'document 3'],
  ]);
});
