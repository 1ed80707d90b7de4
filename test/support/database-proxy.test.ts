import { createClient as createNodeClient } from '@libsql/client/http';
import { createClient as createWebClient } from '@libsql/client/web';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startDatabaseProxy, type DatabaseFailure, type DatabaseProxy } from './database-proxy.ts';
import { startSqld, type Sqld } from './sqld.ts';

let sqld: Sqld;
let proxy: DatabaseProxy;
beforeAll(async () => {
  sqld = await startSqld();
  proxy = await startDatabaseProxy(sqld.url);
});
beforeEach(() => proxy.reset());
afterAll(async () => {
  await proxy.close();
  await sqld.close();
});

const clients = { web: createWebClient, http: createNodeClient };

describe.each(['web', 'http'] as const)('@libsql/client/%s', (kind) => {
  const connect = () => clients[kind]({ url: proxy.url });
  const table = `notes_${kind}`;
  const insert = (text: string) =>
    connect().batch([{ sql: `INSERT INTO ${table} VALUES (?)`, args: [text] }], 'write');
  const stored = async () => {
    const direct = clients[kind]({ url: sqld.url });
    const { rows } = await direct.execute(`SELECT text FROM ${table}`);
    return rows.map((row) => row['text']);
  };
  beforeAll(() => connect().execute(`CREATE TABLE ${table} (text TEXT)`));
  beforeEach(() =>
    connect()
      .execute(`DELETE FROM ${table}`)
      .then(() => proxy.reset()),
  );

  it('counts one request for a batch and shows its statements', async () => {
    await insert("it's");
    expect(proxy.count()).toBe(1);
    const statements = proxy.log.flatMap((entry) => entry.statements);
    // The client adds the transaction's three brackets.
    expect(statements).toHaveLength(4);
    expect(statements[1]).toEqual({ sql: `INSERT INTO ${table} VALUES (?)`, args: ["it's"] });
    expect(proxy.log[0]).toMatchObject({ number: 1, status: 200, failedWith: undefined });
  });

  const outcomes: [DatabaseFailure, boolean][] = [
    ['refuse', false],
    ['cut-before', false],
    ['cut-after', true],
    ['cut-middle', true],
    ['500', false],
    ['502', false],
    ['busy', false],
    ['full', false],
    ['blocked', false],
    ['stream-expired', false],
  ];
  it.each(outcomes)('fails the second request: %s', async (how, isStored) => {
    proxy.fail(2, how);
    await insert('first');
    await expect(insert('second')).rejects.toThrow();
    await insert('third');
    expect(await stored()).toEqual(isStored ? ['first', 'second', 'third'] : ['first', 'third']);
    expect(proxy.count((entry) => entry.failedWith === how)).toBe(1);
  });

  it('reports busy as the database does', async () => {
    proxy.fail(() => true, 'busy');
    await expect(insert('x')).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
    await expect(connect().execute('SELECT 1')).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
  });

  it('holds what fits until it is released', async () => {
    const release = proxy.hold(({ statements }) => statements.some(({ args }) => args[0] === 'x'));
    const held = insert('x').then(() => 'stored');
    await insert('y');
    expect(await stored()).toEqual(['y']);
    release();
    expect(await held).toBe('stored');
    expect(await stored()).toEqual(['y', 'x']);
  });

  it('hangs, delays and undoes', async () => {
    const undo = proxy.fail(
      (entry) => entry.statements.some(({ args }) => args[0] === 'x'),
      'hang',
    );
    const hung = insert('x').then(
      () => 'answered',
      () => 'failed',
    );
    const late = new Promise((resolve) => setTimeout(resolve, 100, 'silence'));
    expect(await Promise.race([hung, late])).toBe('silence');
    undo();
    proxy.delay(80);
    const before = performance.now();
    await insert('y');
    expect(performance.now() - before).toBeGreaterThan(75);
    await proxy.down();
    expect(await hung).toBe('failed');
    await expect(insert('z')).rejects.toThrow();
    await proxy.up();
    await insert('again');
    expect(await stored()).toEqual(['y', 'again']);
  });
});

it('survives the database going away and coming back', async () => {
  const client = createWebClient({ url: proxy.url });
  await sqld.kill();
  await expect(client.execute('SELECT 1')).rejects.toThrow();
  await sqld.restart();
  expect((await client.execute('SELECT 1 AS one')).rows[0]?.['one']).toBe(1);
});
