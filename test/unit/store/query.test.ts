import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { connectFile } from '../../../src/host/node/database/libsql-file.ts';
import { migrateFromFolder } from '../../../src/host/node/database/open.ts';
import type { Database } from '../../../src/store/database.ts';
import { ownedBy } from '../../../src/store/ownership.ts';
import { batch, plain, prepare, query, type Given } from '../../../src/store/query.ts';
import { connections, documentDrafts, documents } from '../../../src/store/schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-query-'));
const file = connectFile(`file:${join(folder, 'parley.db')}`);
let batches = 0;
const db: Database = {
  batch(...given) {
    batches++;
    return file.batch(...given);
  },
  get writes() {
    return file.writes;
  },
  flush: () => file.flush(),
  close: () => file.close(),
};

const content = { title: 'T', url: null, mimeType: 'text/plain', metadata: { a: [1] }, size: 1 };
const about = { ...content, contentHash: 'h', chunkCount: 0, text: '', version: 1 };

beforeAll(async () => {
  await migrateFromFolder(file);
  const times = { createdAt: 1, updatedAt: 2 };
  const document = { ...about, ...times, id: 'd', userId: 'ann', status: 'ready' } as const;
  const draft = { ...about, documentId: 'd', userId: 'ann', title: 'Draft', version: 2 };
  const ingest = { ...draft, purpose: 'ingest', done: 0, heartbeatAt: 3 } as const;
  await batch(
    db,
    [query.insert(documents).values(document), query.insert(documentDrafts).values(ingest)],
    'write',
  );
});
beforeEach(() => (batches = 0));
afterAll(() => {
  file.close();
  rmSync(folder, { recursive: true });
});

it('a batch of queries is one request and gives each its own rows', async () => {
  const titles = query.select({ title: documents.title }).from(documents);
  const added = query
    .insert(connections)
    .values({ id: 'c', userId: 'ann', instanceId: 'i', heartbeatAt: 1 });
  const [rows, changed, removed] = await batch(
    db,
    [titles, added, query.delete(connections).returning({ id: connections.id })],
    'write',
  );
  expect(rows).toEqual([{ title: 'T' }]);
  expect(changed.rowsAffected).toBe(1);
  expect(removed).toEqual([{ id: 'c' }]);
  expect(batches).toBe(1);
});

it('columns of one name in two tables do not collide', async () => {
  const select = query
    .select({ title: documents.title, draft: { title: documentDrafts.title } })
    .from(documents)
    .leftJoin(documentDrafts, eq(documentDrafts.documentId, documents.id));
  const [rows] = await batch(db, [select], 'read');
  expect(rows).toEqual([{ title: 'T', draft: { title: 'Draft' } }]);
});

it('a left join that finds nothing gives null', async () => {
  const select = query
    .select({ id: documents.id, draft: { title: documentDrafts.title } })
    .from(documents)
    .leftJoin(documentDrafts, eq(documentDrafts.documentId, 'another'));
  const [rows] = await batch(db, [select], 'read');
  expect(rows).toEqual([{ id: 'd', draft: null }]);
});

it('JSON columns are written and read as values', async () => {
  const select = query.select({ metadata: documents.metadata }).from(documents);
  expect(await batch(db, [select], 'read')).toEqual([[{ metadata: { a: [1] } }]]);
});

it('a prepared query is built once and takes other values each time', async () => {
  let built = 0;
  const selectOwn = prepare((given: Given<'userId'>) => {
    built++;
    const isOwn = ownedBy(documents.userId, given.userId);
    return query.select({ id: documents.id }).from(documents).where(isOwn);
  });
  const asked = ['ann', 'bob', null].map((userId) => selectOwn({ userId }));
  const found = await Promise.all(asked.map((one) => batch(db, [one], 'read')));
  expect(found).toEqual([[[{ id: 'd' }]], [[]], [[{ id: 'd' }]]]);
  expect(new Set(asked.map(({ sql: text }) => text)).size).toBe(1);
  expect(built).toBe(1);
});

it('a list of statements is run in its place and gives a list of results', async () => {
  const one = plain(sql`select 1 as one`);
  const last = query.select({ id: documents.id }).from(documents);
  const [results, none, rows] = await batch(db, [[one, one], [], last], 'read');
  expect(results.map((set) => set.rows)).toEqual([[{ one: 1 }], [{ one: 1 }]]);
  expect(none).toEqual([]);
  expect(rows).toEqual([{ id: 'd' }]);
  expect(batches).toBe(1);
});

it('a query cannot run outside of a batch', async () => {
  await expect(query.select().from(documents)).rejects.toThrow();
});
