/** Flushes of the database's log, counted by what the runtime really asks of the system. */
import { AsyncLocalStorage, createHook } from 'node:async_hooks';
import {
  appendFileSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectFile } from '../../../../../src/host/node/database/libsql-file.ts';
import { GroupCommit } from '../../../../../src/host/node/database/group-commit.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-flush-'));
const path = join(folder, 'log');
let log: GroupCommit;

/** What one test has caused: a flush that is tried again later may fall into the next one. */
const causedHere = new AsyncLocalStorage<{ calls: number }>();
const hook = createHook({
  init(_, type) {
    const caused = causedHere.getStore();
    if (caused && type === 'FSREQCALLBACK') caused.calls++;
  },
});
const calls = () => causedHere.getStore()?.calls;

function counted(test: () => Promise<void>): () => Promise<void> {
  return () => causedHere.run({ calls: 0 }, test);
}

beforeEach(() => {
  appendFileSync(path, 'something');
  log = new GroupCommit(path);
  hook.enable();
});
afterEach(() => {
  hook.disable();
  log.release();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** How often this process has a file open. */
function opened(file: string): number {
  const { dev, ino } = statSync(file);
  return readdirSync('/dev/fd').filter((name) => {
    try {
      const stats = fstatSync(Number(name));
      return stats.dev === dev && stats.ino === ino;
    } catch {
      // The folder's own, which is closed again.
      return false;
    }
  }).length;
}

describe('flushing a file', () => {
  it(
    'is done for who waits, and not again when nothing was written since',
    counted(async () => {
      log.written();
      await log.flush();
      expect(calls()).toBe(1);
      await log.flush();
      await sleep(60);
      expect(calls()).toBe(1);
    }),
  );

  it(
    'is done soon when nobody waits, once for many',
    counted(async () => {
      for (let count = 0; count < 100; count++) log.written();
      expect(calls()).toBe(0);
      await sleep(60);
      expect(calls()).toBe(1);
    }),
  );

  it(
    'is done for what was written after one that somebody waited for',
    counted(async () => {
      log.written();
      await log.flush();
      await sleep(10);
      log.written();
      await sleep(60);
      expect(calls()).toBe(2);
      await sleep(60);
      expect(calls()).toBe(2);
    }),
  );

  it(
    'is shared by all who ask while another is under way',
    counted(async () => {
      log.written();
      void log.flush();
      const waiting = Array.from({ length: 50 }, () => {
        log.written();
        return log.flush();
      });
      expect(calls()).toBe(1);
      await Promise.all(waiting);
      expect(calls()).toBe(2);
    }),
  );

  it(
    'is waited for by who has written nothing since it began',
    counted(async () => {
      log.written();
      const states: string[] = [];
      const first = log.flush().then(() => states.push('flushed'));
      await log.flush();
      states.push('told');
      await first;
      expect(states).toEqual(['flushed', 'told']);
      expect(calls()).toBe(1);
    }),
  );

  it(
    'flushing a file that fails is told to who waits, and to the next who asks',
    counted(async () => {
      const refused = new GroupCommit('/dev/null');
      refused.written();
      await expect(refused.flush()).rejects.toThrow(/EINVAL/);
      await expect(refused.flush()).rejects.toThrow(/EINVAL/);
      refused.release();
    }),
  );

  it(
    'flushing a file that cannot be opened is told, and done once it can be',
    counted(async () => {
      const later = join(folder, 'later');
      mkdirSync(later);
      const closed = new GroupCommit(later);
      closed.written();
      await expect(closed.flush()).rejects.toThrow(/EISDIR/);
      rmdirSync(later);
      appendFileSync(later, 'something');
      await closed.flush();
      expect(calls()).toBe(1);
      closed.release();
    }),
  );

  it(
    'flushing a file that is not there is nothing to wait for',
    counted(async () => {
      const missing = new GroupCommit(join(folder, 'missing'));
      missing.written();
      await missing.flush();
      expect(calls()).toBe(0);
    }),
  );

  it(
    'goes on after the file was let go of',
    counted(async () => {
      log.written();
      log.release();
      await log.flush();
      expect(calls()).toBe(1);
    }),
  );

  it(
    'lets go of the file again that was opened after it was let go of',
    counted(async () => {
      log.written();
      log.release();
      await log.flush();
      await sleep(1);
      expect(opened(path)).toBe(0);
    }),
  );

  it(
    'keeps the file open for the next writer',
    counted(async () => {
      log.release();
      log.written();
      await log.flush();
      expect(opened(path)).toBe(1);
    }),
  );
});

it(
  'what a connection has committed is flushed though it was given up since',
  counted(async () => {
    const db = connectFile(`file:${join(folder, 'parley.db')}`);
    const run = (sql: string, mode: 'write' | 'write-unflushed') =>
      db.batch([{ sql, args: [] }], mode, 0);
    await run('CREATE TABLE notes (text TEXT)', 'write');
    await run('PRAGMA max_page_count = 10', 'write');
    await run("INSERT INTO notes VALUES ('kept')", 'write-unflushed');
    const before = calls() ?? 0;
    const tooLarge = run('INSERT INTO notes VALUES (randomblob(1000000))', 'write');
    await expect(tooLarge).rejects.toMatchObject({ code: 'database_unavailable' });
    await db.flush();
    expect(calls()).toBe(before + 1);
    db.close();
  }),
);
