import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startProcess } from './child-process.ts';
import { cleanEnvironment, repository } from './places.ts';

const node = (script: string) =>
  startProcess({
    command: process.execPath,
    args: ['-e', script],
    cwd: repository,
    env: cleanEnvironment({ GIVEN: 'yes' }),
  });

it('starts with a clean environment and stops with the exit code', async () => {
  const server = node(`
    console.log('names', Object.keys(process.env).sort().join());
    process.on('SIGTERM', () => process.exit(7));
    setInterval(() => {}, 1000);
    console.log('ready');`);
  await server.waitForOutput(/ready/u, 20_000);
  expect(server.logs()).toContain('names GIVEN,HOME,PATH\n');
  expect(await server.stop()).toBe(7);
  expect(server).toSatisfy(() => !server.isRunning() && !server.leftBehind());
});

it('says why a server did not come up', async () => {
  const server = node(`console.error('PORT is no number'); process.exit(2)`);
  await expect(server.waitForOutput(/ready/u, 20_000)).rejects.toThrow(
    /ended with 2 .*PORT is no number/su,
  );
});

it('kills what a server leaves behind, and one that does not stop', async () => {
  const leaver = node(`
    const { spawn } = require('node:child_process');
    const args = ['-e', 'setInterval(() => {}, 1000)'];
    spawn(process.execPath, args, { stdio: 'ignore', detached: true }).unref();
    process.on('SIGTERM', () => process.exit(0));
    setInterval(() => {}, 1000);
    console.log('ready');`);
  await leaver.waitForOutput(/ready/u, 20_000);
  await leaver.stop();
  expect(leaver.leftBehind()).toBe(true);
  const stubborn = node(`
    process.on('SIGTERM', () => {});
    setInterval(() => {}, 1000);
    console.log('ready');`);
  await stubborn.waitForOutput(/ready/u, 20_000);
  expect(await stubborn.stop(100)).toBe('SIGKILL');
});

it('leaves nothing running when its own process is killed', async () => {
  const script = `
    const { startProcess } = await import('./test/support/child-process.ts');
    const args = ['-e', 'setInterval(() => {}, 1000)'];
    const { pid } = startProcess({ command: process.execPath, args, cwd: '.', env: {} });
    console.log(pid);`;
  const args = ['--input-type=module', '-e', script];
  const parent = spawn(process.execPath, args, { cwd: repository });
  const [output] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(output.toString());
  expect(isAlive(pid)).toBe(true);
  parent.kill('SIGKILL');
  for (let tries = 0; isAlive(pid) && tries < 100; tries += 1) await sleep(20);
  expect(isAlive(pid)).toBe(false);
});

/**
 * Returns true for a process that runs. A zombie does not; the parent that would have reaped it is
 * dead.
 */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' });
  return /^[^Z\s]/u.test(stdout);
}
