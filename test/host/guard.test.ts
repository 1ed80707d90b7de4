/** A batch that a guard refuses is told from all other failures, by every way to a database. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectFile } from '../../src/host/node/database/libsql-file.ts';
import { migrateFromFolder, openNodeDatabase } from '../../src/host/node/database/open.ts';
import { connectHttp } from '../../src/store/connect-http.ts';
import type { Database } from '../../src/store/database.ts';
import { guard, isRefusedByGuard, unlessRefused } from '../../src/store/guard.ts';
import { batch, plain, query } from '../../src/store/query.ts';
import { connections, refusals } from '../../src/store/schema.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-guard-'));
let sqld: Sqld;
const databases = new Map<string, Database>();

beforeAll(async () => {
  sqld = await startSqld();
  databases.set('a file', connectFile(`file:${join(folder, 'parley.db')}`));
  databases.set(
    'streams that are kept',
    await openNodeDatabase({ DATABASE_URL: sqld.url, HTTP_CLIENT: 'undici' }),
  );
  databases.set('HTTP', connectHttp({ url: sqld.url }));
  for (const db of databases.values()) await migrateFromFolder(db);
});
afterAll(async () => {
  for (const db of databases.values()) db.close();
  await sqld.close();
  rmSync(folder, { recursive: true });
});

const databaseBy = (way: string) => {
  const db = databases.get(way);
  if (!db) throw new Error(`no database by ${way}`);
  return db;
};

it.each(['a file', 'streams that are kept', 'HTTP'])('a guard ends a batch by %s', async (way) => {
  const db = databaseBy(way);
  const row = { id: way, userId: 'ann', instanceId: 'i', heartbeatAt: 1 };
  const insert = query.insert(connections).values(row);
  const refused = batch(db, [insert, guard(sql`1 = 2`)], 'write');
  expect(await unlessRefused(refused)).toBeUndefined();
  await expect(batch(db, [guard(sql`null`)], 'write')).rejects.toSatisfy(isRefusedByGuard);
  const stored = query.select({ id: connections.id }).from(connections);
  expect(await batch(db, [stored], 'read')).toEqual([[]]);
});

it.each(['a file', 'streams that are kept', 'HTTP'])(
  'a guard that holds stores nothing by %s',
  async (way) => {
    const rows = query.select().from(refusals);
    const [, found] = await batch(databaseBy(way), [guard(sql`1 = 1`), rows], 'write');
    expect(found).toEqual([]);
  },
);

it.each(['a file', 'streams that are kept', 'HTTP'])(
  'other errors are thrown by %s',
  async (way) => {
    const wrong = plain(sql`insert into connections (id) values (null)`);
    await expect(unlessRefused(batch(databaseBy(way), [wrong], 'write'))).rejects.toThrow(
      /NOT NULL/u,
    );
  },
);
