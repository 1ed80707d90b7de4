/**
 * Shows where a server on Node spends its CPU: runs one scenario under V8's profiler and prints the
 * functions and modules that took most, for docs/performance.md. The longest load run of the
 * scenario is broken down.
 *
 * node bench/profile.ts [s1|s2|s3|s4|followers|replay] [parley-node|stream-text|floor]
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { breakDown, type CpuProfile, type Share } from './cpu-profile.ts';
import { HelperProcess } from './helper-process.ts';
import type { Load, LoadResult } from './load.ts';
import { SCENARIO_NAMES } from './options.ts';
import type { Rig } from './rig.ts';
import { SCENARIOS, warmUp } from './scenarios.ts';
import { SERVER_NAMES, startServer } from './servers.ts';
import type { UpstreamMessage } from './upstream.ts';

/**
 * Short relative to the 5 ms between the tokens of S2; longer intervals miss short and frequent
 * functions.
 */
const SAMPLE_INTERVAL_US = 200;
const ROWS = 30;

const [scenarioName = 's1', serverName = 'parley-node'] = process.argv.slice(2);
const scenario = SCENARIOS[SCENARIO_NAMES.find((name) => name === scenarioName) ?? 's1'];
const server = SERVER_NAMES.find((name) => name === serverName) ?? 'parley-node';
const folder = mkdtempSync(join(tmpdir(), 'parley-profile-'));
const upstream = new HelperProcess<object, UpstreamMessage>('upstream.ts');
const load = new HelperProcess<Load, LoadResult>('load.ts');

try {
  const listening = await upstream.next();
  const rig: Rig = { upstream, load, quick: false, loadRuns: [] };
  await runProfiled(rig, listening.kind === 'listening' ? listening.port : 0);
  const longest = rig.loadRuns.toSorted((a, b) => b.to - b.from - (a.to - a.from))[0];
  if (longest) print(longest.from, longest.to);
} finally {
  upstream.stop();
  load.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function runProfiled(rig: Rig, upstreamPort: number): Promise<void> {
  const flags = `--cpu-prof --cpu-prof-interval ${SAMPLE_INTERVAL_US} --cpu-prof-dir ${folder}`;
  const profiled = await startServer(server, upstreamPort, { NODE_OPTIONS: flags });
  try {
    await warmUp(rig, profiled);
    console.log(JSON.stringify(await scenario?.(rig, profiled)));
  } finally {
    await profiled.stop();
  }
}

function print(from: number, to: number): void {
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'));
  if (!file) throw new Error('the server left no profile: it must end by itself on SIGTERM');
  // V8 wrote it.
  const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
  const { busyMs, wallMs, bySelf, byModule, byTotal } = breakDown(profile, from, to);
  console.log(
    `\n${server} under ${scenarioName}: ${busyMs.toFixed(0)} ms busy of ${wallMs.toFixed(0)} ms`,
  );
  printShares('by module', byModule);
  printShares('by function alone', bySelf);
  printShares('by function with all that it calls', byTotal);
}

function printShares(title: string, shares: Share[]): void {
  console.log(`\n${title}`);
  for (const { name, share } of shares.slice(0, ROWS)) {
    console.log(`${(share * 100).toFixed(1).padStart(6)} %  ${name}`);
  }
}
