/** The sample for systemd is a unit that systemd understands, and starts what is there. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { repository, temporaryDirectory } from '../support/places.ts';
import { findProgram } from '../support/proxy-process.ts';

const run = promisify(execFile);
const analyze = findProgram('systemd-analyze');
if (analyze === undefined) console.warn('systemd is not installed: its sample is not checked');

const sample = readFileSync(join(repository, 'deploy', 'parley.service'), 'utf8');

/** What systemd has to say of a unit, with this repository where the sample has /opt/parley. */
async function verify(unit: string): Promise<string> {
  const file = join(temporaryDirectory('systemd'), 'parley.service');
  writeFileSync(file, unit.replaceAll('/opt/parley', repository));
  // It writes nothing of a unit that is in order. Where something is wrong it may end by 1.
  const { stdout, stderr } = await run(analyze ?? '', ['verify', file]).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  return stdout + stderr;
}

it.skipIf(analyze === undefined)('has no word that systemd does not know', async () => {
  expect(await verify(sample)).toBe('');
  expect(await verify(sample.replace('KillMode', 'KillMod'))).toContain('KillMod');
});

it('waits for longer than the longest turn before it kills', () => {
  const [, seconds] = /^TimeoutStopSec=(\d+)$/mu.exec(sample) ?? [];
  expect(Number(seconds) * 1_000).toBeGreaterThan(300_000);
});
