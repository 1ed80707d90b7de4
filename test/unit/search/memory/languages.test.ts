import { expect, test } from 'vitest';
import { keywordQuery } from '../../../../src/search/fts-query.ts';
import { findByWords } from '../../../../src/search/memory/find-candidates.ts';
import { Library } from '../../../../src/search/memory/library.ts';
import { loadLanguages } from '../../../../src/text/languages.ts';
import { termOf } from '../../../../src/text/words.ts';

test('a document in memory gets the words of its language when that is corrected', async () => {
  await loadLanguages(['de']);
  const library = new Library();
  const version = 16_777_216;
  const place = { id: 'd', version, chunkCount: 1, conversationId: null };
  const document = { ...place, embeddingModel: 'm', dimension: 2, title: 'T' };
  const text = 'Kündigung des Vertrages';
  const chunk = { id: version, version, headings: [], text, embedding: null };
  const find = () => {
    const { words } = keywordQuery('Kündigungen', library.languages);
    const query = { terms: words.map(termOf), scope: library.live, limit: 5 };
    return findByWords(library, query).found.map(({ id }) => id);
  };
  library.publish({ ...document, language: null });
  library.add([chunk]);
  expect(find()).toEqual([]);
  expect(library.publish({ ...document, language: null })).toBe(false);
  expect(library.publish({ ...document, language: 'de' })).toBe(true);
  library.add([chunk]);
  expect(find()).toEqual([version]);
  expect(library.liveChunks).toBe(1);
});
