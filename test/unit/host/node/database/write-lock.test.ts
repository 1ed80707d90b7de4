import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, expect, it } from 'vitest';
import { connectFile } from '../../../../../src/host/node/database/libsql-file.ts';
import { newLockMemory, WriteLock } from '../../../../../src/host/node/database/write-lock.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-lock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ended = (thread: Worker) => new Promise((resolve) => thread.once('exit', resolve));

it('lets the event loop go on while another thread writes, and neither loses a write', async () => {
  const url = `file:${join(folder, 'shared.db')}`;
  const lockMemory = newLockMemory();
  const db = connectFile(url, new WriteLock(lockMemory));
  await db.batch([{ sql: 'create table numbers (x)', args: [] }], 'write');
  const writes = 30;
  const thread = new Worker(new URL('../threads/lock-thread.ts', import.meta.url), {
    workerData: { url, lockMemory, writes },
  });
  const end = ended(thread);
  await new Promise((resolve) => thread.once('message', resolve));
  let own = 0;
  let isOver = false;
  void end.then(() => (isOver = true));
  let turns = 0;
  const turn = () => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  turn();
  while (!isOver) {
    await db.batch([{ sql: 'insert into numbers values (0)', args: [] }], 'write');
    own++;
  }
  const [count] = await db.batch([{ sql: 'select count(*) from numbers', args: [] }], 'read');
  db.close();
  expect(count?.values[0]?.[0]).toBe(writes + own);
  expect(own, 'writes of the process go between those of the thread').toBeGreaterThan(3);
  expect(turns / own, 'turns of the event loop for each of its writes').toBeGreaterThan(20);
}, 60_000);

it('is free again when the thread that held it has died', async () => {
  const lockMemory = newLockMemory();
  const mine = new WriteLock(lockMemory);
  const script = `
    const { workerData, threadId } = require('node:worker_threads');
    Atomics.store(new Int32Array(workerData), 0, threadId + 1);`;
  const thread = new Worker(script, { eval: true, workerData: lockMemory });
  const { threadId } = thread;
  await ended(thread);
  expect(mine.tryTake()).toBe(false);
  mine.releaseOf(threadId);
  expect(mine.tryTake()).toBe(true);
});
