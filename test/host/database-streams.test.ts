/**
 * A database over HTTP on Node: connections of the server are kept, and one that is gone is no
 * failure.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openNodeDatabase } from '../../src/host/node/database/open.ts';
import type { Database } from '../../src/store/database.ts';
import { startDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';

/**
 * The server forgets a stream that is silent for ten seconds; ours are left alone after seven. A
 * timer may be a moment early.
 */
const NOT_USED_AFTER_MS = 7_300;

let sqld: Sqld;
let proxy: DatabaseProxy;
let db: Database;

beforeAll(async () => {
  sqld = await startSqld();
  proxy = await startDatabaseProxy(sqld.url);
  const setUp = await openNodeDatabase({ DATABASE_URL: sqld.url, HTTP_CLIENT: 'undici' });
  await setUp.batch([{ sql: 'CREATE TABLE notes (text TEXT UNIQUE)', args: [] }], 'write');
  setUp.close();
});
beforeEach(async () => {
  proxy.reset();
  db = await openNodeDatabase({ DATABASE_URL: proxy.url, HTTP_CLIENT: 'undici' });
});
afterEach(() => db.close());
afterAll(async () => {
  await proxy.close();
  await sqld.close();
});

const insert = (text: string) => ({ sql: 'INSERT INTO notes VALUES (?)', args: [text] });
/** Without retryForMs: nothing is tried a second time because it failed. */
const write = (...texts: string[]) => db.batch(texts.map(insert), 'write', 0);
const stored = async (text: string) => {
  const count = { sql: 'SELECT count(*) AS found FROM notes WHERE text = ?', args: [text] };
  const [result] = await db.batch([count], 'read');
  return result?.rows[0]?.['found'];
};
const onKeptStreams = () => proxy.log.map((request) => request.isOnKeptStream);

describe('streams of the database', () => {
  it('are used again by the next batch, whether it reads or writes', async () => {
    await write('one');
    expect(await stored('one')).toBe(1);
    await write('two');
    expect(onKeptStreams()).toEqual([false, true, true]);
  });

  it('tell what a batch has changed and found', async () => {
    const select = { sql: 'SELECT 1 AS a, NULL AS b, 2.5 AS c, ? AS d', args: ['text'] };
    for (const _ of [1, 2]) {
      const [found, changed] = await db.batch(
        [select, { sql: 'UPDATE notes SET text = text WHERE text = ?', args: ['one'] }],
        'write',
      );
      expect(found?.rows.map((row) => ({ ...row }))).toEqual([
        { a: 1, b: null, c: 2.5, d: 'text' },
      ]);
      expect(changed?.rowsAffected).toBe(1);
    }
  });

  it('are given up after a statement that fails, and nothing of its batch is stored', async () => {
    await write('before');
    await expect(write('undone', 'before')).rejects.toThrow(/UNIQUE/);
    expect(await stored('undone')).toBe(0);
    await write('after');
    expect(await stored('after')).toBe(1);
    const fresh = proxy.log.filter((request) => request.statements.length > 0);
    expect(fresh.map((request) => request.isOnKeptStream)).toEqual([
      false,
      true,
      false,
      true,
      true,
    ]);
  });

  it('are let go of by a server that restarts, which nobody notices', async () => {
    await write('before the restart');
    await sqld.restart();
    await write('after the restart');
    expect(await stored('after the restart')).toBe(1);
  });

  it('may be forgotten by the server: the batch runs once, on another', async () => {
    await write('kept');
    proxy.fail((request) => request.isOnKeptStream, 'stream-expired');
    await write('not forgotten');
    expect(await stored('not forgotten')).toBe(1);
  });

  it('are not used when the server may be about to forget them', async () => {
    await write('early');
    await sleep(NOT_USED_AFTER_MS);
    await write('late');
    expect(onKeptStreams()).toEqual([false, false]);
  });

  it('are few, however many batches come at once', async () => {
    const many = async (name: string, count: number) => {
      const texts = Array.from({ length: count }, (_, index) => `${name} ${index}`);
      await Promise.all(texts.map((text) => write(text)));
    };
    await many('first', 60);
    proxy.reset();
    await many('second', 60);
    expect(proxy.log).toHaveLength(60);
    expect(proxy.log.filter((request) => request.isOnKeptStream)).toHaveLength(16);
  });

  it('are given up one by one when connections break', async () => {
    let count = 0;
    proxy.fail(() => ++count % 20 === 0, 'cut-before');
    const worker = async (name: string) => {
      for (let index = 0; index < 40; index++)
        await db.batch([insert(`${name} ${index}`)], 'write', 5_000);
    };
    await Promise.all(Array.from({ length: 10 }, (_, index) => worker(`worker ${index}`)));
    const broken = proxy.log.filter((request) => request.failedWith !== undefined).length;
    const opened = proxy.log.filter((request) => !request.isOnKeptStream).length;
    expect(broken).toBeGreaterThan(15);
    // The first ten, and one for each that broke; a broken one may be told that it is closed, too.
    expect(opened).toBeLessThanOrEqual(10 + 2 * broken);
  });

  it('are used after a pause of three seconds', async () => {
    await write('first of all');
    await sleep(3_000);
    await write('again');
    expect(onKeptStreams()).toEqual([false, true]);
  });
});
