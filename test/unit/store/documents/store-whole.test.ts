import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '../../../../src/core/ids.ts';
import { connectFile } from '../../../../src/host/node/database/libsql-file.ts';
import { migrateFromFolder } from '../../../../src/host/node/database/open.ts';
import type { Database } from '../../../../src/store/database.ts';
import type { NewChunk } from '../../../../src/store/documents/chunks.ts';
import { deleteDocuments } from '../../../../src/store/documents/documents.ts';
import type { NewDocument } from '../../../../src/store/documents/known-document.ts';
import { storeWhole } from '../../../../src/store/documents/store-whole.ts';
import { CHUNKS_PER_OWNER, wordTable } from '../../../../src/store/search/tables.ts';
import { batch } from '../../../../src/store/query.ts';
import { eq } from 'drizzle-orm';
import { documents } from '../../../../src/store/schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-whole-'));
let db: Database;

beforeAll(async () => {
  db = connectFile(`file:${join(folder, 'parley.db')}`);
  await migrateFromFolder(db);
});
afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true, force: true });
});

function document(userId: string, text: string, more: Partial<NewDocument> = {}): NewDocument {
  const about = { id: newId(), userId, conversationId: null, title: 'T', url: null, size: 1 };
  const content = { mimeType: 'text/plain', metadata: {}, text, contentHash: text };
  const read = { charset: null, language: null };
  return {
    ...about,
    ...content,
    ...read,
    embeddingModel: 'm/x',
    analysis: 1,
    chunkCount: 2,
    ...more,
  };
}

const chunk = (ordinal: number): NewChunk => ({
  ...{ ordinal, start: ordinal, end: ordinal + 1, headings: [], text: `part ${ordinal}` },
  ...{ titleWords: 't', textWords: `part ${ordinal}`, embedding: [1, ordinal] },
});
const store = (asked: NewDocument, idempotency?: { key: string; fingerprint: string }) =>
  storeWhole(db, asked, [chunk(0), chunk(1)], {
    leaseMs: 1_000,
    ...(idempotency && { idempotency: { scope: asked.userId, ...idempotency } }),
  });

/** The ids of chunks, of vectors and of words in the index, and what the owner's row says. */
async function stored(userId: string) {
  const owner = `(select number from owners where user_id = '${userId}') * ${CHUNKS_PER_OWNER}`;
  const ids = (table: string, id: string) => ({
    sql: `select ${id} - ${owner} from ${table} where ${id} between ${owner} and ${owner} + 999`,
    args: [],
  });
  const sets = await db.batch(
    [
      ids('chunks', 'id'),
      ids('chunk_vectors', 'id'),
      ids(wordTable(userId), 'rowid'),
      {
        sql: 'select last_chunk, chunk_count, revision from owners where user_id = ?',
        args: [userId],
      },
    ],
    'read',
  );
  const [chunks, vectors, words] = sets.map(({ values }) => values.flat());
  return { chunks, vectors, words, owner: sets[3]?.values[0] };
}

it('stores what is sent twice, as after an answer that was lost, once', async () => {
  const [first, second] = [document('twice', 'one'), document('twice', 'two')];
  expect((await store(first)).kind).toBe('created');
  expect(await store(first)).toMatchObject({
    kind: 'created',
    state: { document: { id: first.id, status: 'ready', isSearchable: true, dimension: 2 } },
  });
  const ids = [1, 2];
  const revision = (await stored('twice')).owner?.[2];
  expect(await stored('twice')).toEqual({
    ...{ chunks: ids, vectors: ids, words: ids },
    owner: [2, 2, revision],
  });
  await store(second);
  // The first one again, when the owner's next ids are others.
  await store(first);
  expect(await stored('twice')).toEqual({
    ...{ chunks: [1, 2, 3, 4], vectors: [1, 2, 3, 4], words: [1, 2, 3, 4] },
    owner: [4, 4, Number(revision) + 1],
  });
});

it('finds what is known by its text or its key, and stores nothing', async () => {
  const key = { key: 'k', fingerprint: 'f' };
  const first = document('known', 'one');
  await store(first, key);
  const before = await stored('known');
  const found = { kind: 'known', state: { document: { id: first.id } } };
  expect(await store(document('known', 'one'))).toMatchObject(found);
  expect(await store(document('known', 'other'), key)).toMatchObject(found);
  expect(await store(document('known', 'one'), { ...key, fingerprint: 'g' })).toEqual({
    kind: 'key_reused',
  });
  expect(await stored('known')).toEqual(before);
  await batch(db, [deleteDocuments('known', eq(documents.id, first.id))], 'write');
  expect(await store(document('known', 'one'), key)).toEqual({ kind: 'deleted' });
});

it('stores nothing in a conversation that is not there, nor beyond the ids of its owner', async () => {
  const conversationId = newId();
  expect(await store(document('none', 'one', { conversationId }))).toEqual({
    kind: 'no_conversation',
  });
  expect(await stored('none')).toMatchObject({ chunks: [], vectors: [], words: [] });
  const last_chunk = CHUNKS_PER_OWNER - 2;
  const full = {
    sql: `update owners set last_chunk = ? where user_id = 'none'`,
    args: [last_chunk],
  };
  await db.batch([full], 'write');
  await expect(store(document('none', 'one'))).rejects.toMatchObject({ code: 'payload_too_large' });
});
