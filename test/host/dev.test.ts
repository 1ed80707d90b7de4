/** `npm run dev` starts more than one process; one signal ends them all, however it is sent. */
import { execFileSync } from 'node:child_process';
import { afterEach, expect, it } from 'vitest';
import type { ServerProcess } from '../support/child-process.ts';
import { request } from '../support/http.ts';
import { freePort, temporaryDirectory } from '../support/places.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';
import { addressOf, runToEnd, startProgram } from './program.ts';

let program: ServerProcess | undefined;
let sqld: Sqld | undefined;
afterEach(async () => {
  await program?.kill();
  await sqld?.close();
});

/** All processes whose ancestor is `pid`, itself included. */
function family(pid: number): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/u).map(Number));
  const found = new Set([pid]);
  for (let before = 0; before < found.size;) {
    before = found.size;
    for (const [child = 0, parent = 0] of table) if (found.has(parent)) found.add(child);
  }
  return [...found];
}

function isAlive(pid: number): boolean {
  try {
    // A zombie has ended; it only waits to be asked how.
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
    return !state.startsWith('Z');
  } catch {
    return false;
  }
}

/** Everything that it says up to the last line of the start. */
async function saidAtTheStart(started: ServerProcess): Promise<string> {
  await started.waitForOutput(/Ctrl-C stops everything\n/u, 5_000);
  return started.logs();
}

it('says that wrangler has ended by itself, and fails', async () => {
  sqld = await startSqld();
  const home = temporaryDirectory('home');
  program = startProgram('dev', { PORT: '0', DATABASE_URL: sqld.url, HOME: home });
  await addressOf(program);
  const output = await saidAtTheStart(program);
  const pids = family(program.pid);
  const wrangler = pids.find((pid) => pid !== program?.pid);
  process.kill(wrangler ?? 0, 'SIGKILL');
  const { exit } = await runToEnd(program, 15_000);
  expect(exit).toBe(1);
  expect(program.logs().slice(output.length)).toMatch(
    /^parley: wrangler has ended by itself.*\n$/u,
  );
});

it.each([
  ['SIGTERM to it', (pid: number) => process.kill(pid, 'SIGTERM')],
  ['Ctrl-C, which reaches its whole group', (pid: number) => process.kill(-pid, 'SIGINT')],
])('leaves no process behind after %s', async (_, send) => {
  sqld = await startSqld();
  const port = String(await freePort());
  program = startProgram('dev', {
    PORT: port,
    DATABASE_URL: sqld.url,
    HOME: temporaryDirectory('home'),
  });
  const url = await addressOf(program);
  expect(new URL(url).port).toBe(port);
  expect(await request(`${url}/health`)).toMatchObject({ status: 200, json: { status: 'ok' } });
  const pids = family(program.pid);
  expect(pids.length).toBeGreaterThan(2);
  const output = await saidAtTheStart(program);
  expect(output).toMatch(/applied \d+ migrations\n.*starting wrangler[^]*listening on/u);
  expect(output).toMatch(/model .*offline.*no key/u);
  expect(output).not.toMatch(/cloudflare|warning|error/iu);
  send(program.pid);
  const { exit } = await runToEnd(program, 15_000);
  expect(exit).toBe(0);
  expect(program.logs()).toBe(output);
  expect(program.leftBehind()).toBe(false);
  await expect.poll(() => pids.filter(isAlive), { timeout: 2000 }).toEqual([]);
  await expect(request(`${url}/health`, { timeoutMs: 1000 })).rejects.toThrow();
});
