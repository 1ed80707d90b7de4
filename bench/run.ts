/**
 * `npm run bench`: compares parley with the floor and bare `streamText` in interleaved rounds.
 * bench/README.md explains the output. It exits with code 1 when any turn lost a token.
 */
import { measureBundle } from './bundle.ts';
import { Figures } from './figures.ts';
import { HelperProcess } from './helper-process.ts';
import type { Load, LoadResult } from './load.ts';
import { readOptions, type Options, type ScenarioName } from './options.ts';
import { printReport } from './report.ts';
import type { Rig } from './rig.ts';
import { SCENARIOS, warmUp } from './scenarios.ts';
import { startServer, type Server, type ServerName } from './servers.ts';
import type { UpstreamMessage } from './upstream.ts';

const options = readOptions();
const figures = new Figures();
const failures: string[] = [];
const upstream = new HelperProcess<object, UpstreamMessage>('upstream.ts');
const load = new HelperProcess<Load, LoadResult>('load.ts');
const listening = await upstream.next();
const upstreamPort = listening.kind === 'listening' ? listening.port : 0;
const rig: Rig = { upstream, load, quick: options.quick, loadRuns: [] };

for (let round = 0; round < options.rounds; round++) await runRound(round);
const bundles = options.scenarios.includes('bundle')
  ? await attempt('bundle', async () => [await measureBundle(options.quick ? 1 : 3)])
  : [];
printReport({ figures, options, bundle: bundles[0] });
for (const failure of failures) console.error(`FAILED ${failure}`);
upstream.stop();
load.stop();
process.exitCode = failures.length ? 1 : 0;

/**
 * Starts fresh servers and runs each scenario on one server after the other, so that noise affects
 * all alike.
 */
async function runRound(round: number): Promise<void> {
  const servers: Server[] = [];
  try {
    for (const name of options.servers) servers.push(...(await started(name, round)));
    for (const scenario of options.scenarios) {
      for (const server of servers) await runScenario({ scenario, server, round });
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function started(name: ServerName, round: number): Promise<Server[]> {
  return attempt(`${name}, start`, async () => {
    const server = await startServer(name, upstreamPort);
    figures.add(name, round, { startMs: server.startUp.wallMs, startCpu: server.startUp.cpuMs });
    await warmUp(rig, server).catch(async (error: unknown) => {
      await server.stop();
      throw error;
    });
    return [server];
  });
}

async function runScenario({
  scenario,
  server,
  round,
}: {
  scenario: ScenarioName;
  server: Server;
  round: number;
}): Promise<void> {
  const run = SCENARIOS[scenario];
  if (!run || isLeftOut(scenario, server.name, round, options)) return;
  await attempt(`${server.name}, ${scenario}`, async () => {
    const startedAt = performance.now();
    const measured = await run(rig, server);
    figures.add(server.name, round, measured);
    if (Object.keys(measured).length === 0) return [];
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const values = Object.entries(measured).map(
      ([figure, value]) => `${figure} ${value.toPrecision(4)}`,
    );
    console.error(
      `round ${round + 1}  ${scenario}  ${server.name}  ${seconds} s  ${values.join('  ')}`,
    );
    return [];
  });
}

/** Returns true for what would take too long, unless it was requested by name. */
function isLeftOut(
  scenario: ScenarioName,
  server: ServerName,
  round: number,
  { explicit, quick }: Options,
): boolean {
  if (scenario === 'long' && round > 0) return true;
  if (explicit) return false;
  if (scenario === 'long') return quick;
  if (server === 'parley-workerd') return scenario === 's3' || scenario === 'followers';
  return server === 'parley-sqld' && quick && (scenario === 's3' || scenario === 's2');
}

async function attempt<T>(what: string, work: () => Promise<T[]>): Promise<T[]> {
  try {
    return await work();
  } catch (error) {
    failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    console.error(`FAILED ${failures.at(-1)}`);
    return [];
  }
}
