/** The databases of tenants: opened once, closed when nobody uses them, and opened again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { parseConfig } from '../../../../src/config.ts';
import type { SharedServices } from '../../../../src/host/node/database-services.ts';
import { connectFile } from '../../../../src/host/node/database/libsql-file.ts';
import { readMigrations } from '../../../../src/host/node/database/open.ts';
import { newLockMemory } from '../../../../src/host/node/database/write-lock.ts';
import { NodeTenants } from '../../../../src/host/node/tenants.ts';
import { DocumentThreads } from '../../../../src/host/node/threads/document-threads.ts';
import { readWordVectors } from '../../../../src/host/node/word-vectors.ts';
import { embeddingsOf, pricesOf, registryOf } from '../../../../src/host/services.ts';
import { networkBy } from '../../../../src/models/http.ts';
import { createToolRegistry } from '../../../../src/turns/tools/registry.ts';
import { noLog } from '../../../support/log.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-tenants-'));
const running: NodeTenants[] = [];
afterEach(async () => {
  for (const tenants of running.splice(0)) {
    await tenants.drain(0);
    await tenants.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

function sharedServices(): SharedServices {
  const config = parseConfig({ AUTH: 'keys' });
  const network = networkBy(fetch);
  const embeddings = embeddingsOf(config, { network, readWordVectors, log: noLog });
  const lockMemory = newLockMemory();
  return {
    ...{ config, embeddings, registry: registryOf(config, network), prices: pricesOf({}) },
    ...{ limits: undefined, log: noLog, toolRegistry: createToolRegistry() },
    documents: new DocumentThreads({ config, lockMemory, embeddings, log: noLog }),
    defer: () => undefined,
  };
}

/** Tenants whose databases are empty files, and which of those were opened and closed. */
function serving(
  limits: Partial<ConstructorParameters<typeof NodeTenants>[0]>,
  fails = { times: 0 },
) {
  const opened: string[] = [];
  const closed: string[] = [];
  const connect = (tenant: string) => {
    if (fails.times-- > 0) return Promise.reject(new Error('the database is away'));
    opened.push(tenant);
    const db = connectFile(`file:${join(folder, `${tenant}.db`)}`);
    const close = db.close.bind(db);
    return Promise.resolve(
      Object.assign(db, {
        close: () => {
          closed.push(tenant);
          close();
        },
      }),
    );
  };
  const tenants = new NodeTenants({
    ...{ shared: sharedServices(), connect, migrations: [], tidyEveryMs: 10, ...limits },
  });
  running.push(tenants);
  return { tenants, opened, closed };
}

it('closes a database that nobody has used for a while, and opens it again', async () => {
  const { tenants, opened, closed } = serving({ idleMs: 30 });
  const { db } = await tenants.open('acme');
  await expect.poll(() => closed).toEqual(['acme']);
  // A request that still has it is served all the same.
  await db.batch([{ sql: 'SELECT 1', args: [] }], 'read');
  await tenants.open('acme');
  expect(opened).toEqual(['acme', 'acme']);
});

it('looks into one that was closed, and tidies it up', async () => {
  const migrations = await readMigrations();
  const { tenants, opened, closed } = serving({ migrations, idleMs: 30, lookAgainMs: 100 });
  await tenants.open('initech');
  // It may be looked into, and closed, again by then.
  await expect.poll(() => [...new Set(closed)]).toEqual(['initech']);
  const beside = connectFile(`file:${join(folder, 'initech.db')}`);
  // An idempotency key that is older than a day: a sweep forgets it.
  const insert = "INSERT INTO idempotency_keys VALUES ('u', 'key', 'f', 'r', 0)";
  await beside.batch([{ sql: insert, args: [] }], 'write');
  const count = { sql: 'SELECT count(*) FROM idempotency_keys', args: [] };
  const kept = async () => (await beside.batch([count], 'read'))[0]?.values;
  await expect.poll(kept, { timeout: 20_000 }).toEqual([[0]]);
  await expect.poll(() => opened.length - closed.length, { timeout: 20_000 }).toBe(0);
  beside.close();
});

it('keeps those that were used last where there are too many', async () => {
  const { tenants, opened, closed } = serving({ mostOpen: 2 });
  for (const tenant of ['first', 'second']) await tenants.open(tenant);
  await tenants.open('first');
  await tenants.open('third');
  await expect.poll(() => closed).toEqual(['second']);
  for (const tenant of ['first', 'third']) await tenants.open(tenant);
  expect(opened).toEqual(['first', 'second', 'third']);
});

it('opens a database once for all who come meanwhile, and tries again after a failure', async () => {
  const { tenants, opened } = serving({}, { times: 1 });
  await expect(tenants.open('acme')).rejects.toThrow('the database is away');
  const all = await Promise.all([tenants.open('acme'), tenants.open('acme')]);
  expect(all[0]).toBe(all[1]);
  expect(opened).toEqual(['acme']);
});

it('opens nothing more once it stops', async () => {
  const { tenants, opened, closed } = serving({});
  await tenants.open('acme');
  await tenants.drain(0);
  await expect(tenants.open('globex')).rejects.toMatchObject({ code: 'shutting_down' });
  await tenants.close();
  expect([opened, closed]).toEqual([['acme'], ['acme']]);
});
