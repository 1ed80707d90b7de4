import { afterAll, beforeAll, expect, test } from 'vitest';
import { embedQuestion, searchFor } from '../../../src/search/retrieve.ts';
import type { Database } from '../../../src/store/database.ts';
import { noLog } from '../../support/log.ts';
import { openTestLibrary } from './memory/library-maker.ts';

let library: Awaited<ReturnType<typeof openTestLibrary>>;
beforeAll(async () => (library = await openTestLibrary()));
afterAll(() => library.close());

test('a search ends while the languages of its library change without end', async () => {
  const userId = 'restless';
  await library.add(userId, 'Kündigung des Vertrages');
  const { db, embeddings } = library;
  let reads = 0;
  const restless: Database = {
    ...db,
    async batch(statements, mode) {
      const language = reads++ % 2 === 0 ? 'de' : 'el';
      const change = 'UPDATE documents SET language = ? WHERE user_id = ?';
      await db.batch([{ sql: change, args: [language, userId] }], 'write');
      return db.batch(statements, mode);
    },
  };
  const request = { userId, query: 'Vertrages', k: 3 };
  const question = await embedQuestion(request, { embeddings, log: noLog }, {});
  const found = await searchFor(question, request, { db: restless });
  expect(found.map(({ text }) => text)).toEqual(['Kündigung des Vertrages']);
  expect(reads).toBe(3);
});
