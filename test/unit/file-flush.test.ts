/** Flushes of the database's log, counted by what the runtime really asks of the system. */
import { createHook } from 'node:async_hooks';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileFlush } from '../../src/host/file-flush.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-flush-'));
const path = join(folder, 'log');
let calls = 0;
const hook = createHook({ init: (_, type) => void (type === 'FSREQCALLBACK' && calls++) });
let log: FileFlush;

beforeEach(() => {
  appendFileSync(path, 'something');
  log = new FileFlush(path);
  calls = 0;
  hook.enable();
});
afterEach(() => {
  hook.disable();
  log.close();
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('flushing a file', () => {
  it('is done for who waits, and not again when nothing was written since', async () => {
    log.written();
    await log.flush();
    expect(calls).toBe(1);
    await log.flush();
    await sleep(60);
    expect(calls).toBe(1);
  });

  it('is done soon when nobody waits, once for many', async () => {
    for (let count = 0; count < 100; count++) log.written();
    expect(calls).toBe(0);
    await sleep(60);
    expect(calls).toBe(1);
  });

  it('is shared by all who ask while another is under way', async () => {
    log.written();
    void log.flush();
    const waiting = Array.from({ length: 50 }, () => {
      log.written();
      return log.flush();
    });
    expect(calls).toBe(1);
    await Promise.all(waiting);
    expect(calls).toBe(2);
  });

  it('is waited for by who has written nothing since it began', async () => {
    log.written();
    const states: string[] = [];
    const first = log.flush().then(() => states.push('flushed'));
    await log.flush();
    states.push('told');
    await first;
    expect(states).toEqual(['flushed', 'told']);
    expect(calls).toBe(1);
  });

  it('that fails is told to who waits, and to the next who asks', async () => {
    const refused = new FileFlush('/dev/null');
    refused.written();
    await expect(refused.flush()).rejects.toThrow(/EINVAL/);
    await expect(refused.flush()).rejects.toThrow(/EINVAL/);
    refused.close();
  });
});
