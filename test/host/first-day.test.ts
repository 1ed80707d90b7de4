/** An operator's first day: what the program says when it starts, and how it stops. */
import { copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, describe, expect, it } from 'vitest';
import type { ServerProcess } from '../support/child-process.ts';
import { request } from '../support/http.ts';
import { temporaryDirectory } from '../support/places.ts';
import { openStream } from '../support/sse.ts';
import { startUpstream } from '../support/upstream.ts';
import { addressOf, runToEnd, startProgram } from './program.ts';

const started: ServerProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((program) => program.kill()));
});

function start(env: Record<string, string>, more?: string[]): ServerProcess {
  const program = startProgram('start', { PORT: '0', ...env }, more);
  started.push(program);
  return program;
}

const newFile = (name: string) => join(temporaryDirectory(name), 'parley.db');

describe('the start', () => {
  it('says where it is, who answers and why, where the data are, and who may call', async () => {
    const file = newFile('greeting');
    const program = start({ DATABASE_URL: `file:${file}`, LOG_FORMAT: 'pretty' });
    const address = await addressOf(program);
    await program.waitForOutput(/callers.*/u, 5_000);
    const output = program.logs();
    expect(output).toContain(`${address}/docs`);
    expect(output).toMatch(/offline.*no key.*GROQ_API_KEY.*OPENAI_BASE_URL/u);
    expect(output).toContain(file);
    expect(output).toMatch(/anybody on this machine/u);
    expect(output).not.toContain('.env');
  });

  it('says so in one line of JSON where a machine reads it', async () => {
    const key = 'sk-not-to-be-seen';
    const url = `file:${newFile('greeting')}`;
    const program = start({ DATABASE_URL: url, GROQ_API_KEY: key, HOST: '0.0.0.0', AUTH: 'none' });
    await addressOf(program);
    const [line] = await program.waitForOutput(/^\{.*"message":"ready".*\}$/mu, 5_000);
    expect(JSON.parse(line)).toMatchObject({
      model: expect.stringMatching(/^groq\/.*best that has a key/u),
      callers: expect.stringContaining('anybody who can reach 0.0.0.0'),
    });
    expect(program.logs()).not.toContain(key);
  });

  it('reads the file that --env names, and what the environment says counts more', async () => {
    const folder = temporaryDirectory('env-file');
    const file = join(folder, 'settings.env');
    writeFileSync(file, `LOG_FORMAT=json\nDATABASE_URL=file:${folder}/from-file.db\n`);
    const program = start({ LOG_FORMAT: 'pretty' }, [`--env=${file}`]);
    await addressOf(program);
    expect(existsSync(join(folder, 'from-file.db'))).toBe(true);
    await program.waitForOutput(/ {2}data/u, 5_000);
  });

  it('fails with one line on a Node that is too old', async () => {
    const file = join(temporaryDirectory('old-node'), 'old.cjs');
    writeFileSync(file, "Object.defineProperty(process.versions, 'node', { value: '22.12.0' });");
    const env = { NODE_OPTIONS: `--require=${file}`, DATABASE_URL: `file:${newFile('old-node')}` };
    const { exit, output } = await runToEnd(start(env));
    expect([exit, output]).toEqual([1, 'parley: needs Node 22.19 or newer, and this is 22.12.0\n']);
  });

  it.each([
    [
      'a folder that is a file',
      (folder: string) => join(folder, 'file', 'parley.db'),
      'cannot be made',
    ],
    ['a database that is a folder', (folder: string) => join(folder, 'folder'), 'is no file'],
  ])('fails soon, with one line, for %s', async (_name, place, why) => {
    const folder = temporaryDirectory('blocked');
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'folder'));
    const begunAt = performance.now();
    const { exit, output } = await runToEnd(start({ DATABASE_URL: `file:${place(folder)}` }));
    expect(performance.now() - begunAt).toBeLessThan(5_000);
    expect(exit).toBe(1);
    expect(output).toMatch(/^parley: [^\n]*\n$/u);
    expect(output).toContain(folder);
    expect(output).toContain(why);
  });

  it('fails soon, with one line, for a database that is newer', async () => {
    const file = newFile('newer');
    const first = start({ DATABASE_URL: `file:${file}` });
    await addressOf(first);
    process.kill(first.pid, 'SIGTERM');
    await first.exited;
    const db = new Libsql(file);
    db.exec("INSERT INTO parley_migrations (name, applied_at) VALUES ('9999_future', 0)");
    db.close();
    const begunAt = performance.now();
    const { exit, output } = await runToEnd(start({ DATABASE_URL: `file:${file}` }));
    expect(performance.now() - begunAt).toBeLessThan(5_000);
    expect(exit).toBe(1);
    expect(output).toMatch(/^parley: [^\n]*newer than this program[^\n]*9999_future[^\n]*\n$/u);
  });
});

describe('the stop', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'the stop by %s leaves everything in the one file',
    async (signal) => {
      const file = newFile('stop');
      const program = start({ DATABASE_URL: `file:${file}` });
      const url = await addressOf(program);
      const json = { user_id: 'u', message: 'hello' };
      const { json: made } = await request<{ conversation_id: string }>(`${url}/conversations`, {
        json,
      });
      process.kill(program.pid, signal);
      expect((await runToEnd(program)).exit).toBe(0);
      if (existsSync(`${file}-wal`)) expect(statSync(`${file}-wal`).size).toBe(0);
      const copy = newFile('copy');
      copyFileSync(file, copy);
      const again = await addressOf(start({ DATABASE_URL: `file:${copy}` }));
      const read = await request(`${again}/conversations/${made.conversation_id}`);
      expect(read).toMatchObject({ status: 200, json: { message_count: 2 } });
    },
  );

  it('waits for a turn at the first signal, and for nothing at the second', async () => {
    const upstream = await startUpstream();
    try {
      upstream.script('endless', { tokens: ['on '], infinite: true, delayMs: { between: 30 } });
      const url = `file:${newFile('second')}`;
      const program = start({ ...upstream.env, DATABASE_URL: url, SHUTDOWN_GRACE_MS: '60000' });
      const address = await addressOf(program);
      const json = { user_id: 'u', message: 'go', model: 'openai/endless' };
      const stream = await openStream(`${address}/conversations`, { json });
      await stream.next('message.delta');
      expect((await request(`${address}/ready`)).status).toBe(200);
      process.kill(program.pid, 'SIGTERM');
      // One right behind it is the same signal, handed on.
      process.kill(program.pid, 'SIGTERM');
      await new Promise((done) => setTimeout(done, 700));
      expect(stream.events.at(-1)?.type).toBe('message.delta');
      expect((await request(`${address}/ready`)).status).toBe(503);
      expect((await request(`${address}/health`)).status).toBe(200);
      const begunAt = performance.now();
      process.kill(program.pid, 'SIGTERM');
      expect((await runToEnd(program)).exit).toBe(1);
      expect(performance.now() - begunAt).toBeLessThan(1_000);
      expect(program.logs()).toContain('second signal');
    } finally {
      await upstream.close();
    }
  });
});

it('npm start -- --watch starts, and stops by one signal', async () => {
  const program = start({ DATABASE_URL: `file:${newFile('watch')}` }, ['--watch']);
  const address = await addressOf(program);
  expect(await request(`${address}/health`)).toMatchObject({ status: 200 });
  process.kill(program.pid, 'SIGTERM');
  await runToEnd(program);
  expect(program.leftBehind()).toBe(false);
  await expect(request(`${address}/health`, { timeoutMs: 1_000 })).rejects.toThrow();
});
