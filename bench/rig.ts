/** Holds the processes that every scenario uses, and measures all of them in the same way. */
import { modelName, sharedClock, type Answer } from './answer.ts';
import { percentile, type Measured } from './figures.ts';
import type { HelperProcess } from './helper-process.ts';
import type { Load, LoadResult } from './load.ts';
import { cpuByName, residentOf } from './process-usage.ts';
import type { Server } from './servers.ts';
import type { TurnRequest } from './turns.ts';
import type { UpstreamMessage } from './upstream.ts';

export type Rig = {
  upstream: HelperProcess<object, UpstreamMessage>;
  load: HelperProcess<Load, LoadResult>;
  quick: boolean;
  /** The start and end of each load, in ms of the shared clock. */
  loadRuns: { from: number; to: number }[];
};

export type LoadRun = LoadResult & {
  /** CPU of the server's processes during the load, in ms. */
  cpuMs: number;
  /** The same by program. */
  cpuMsByName: Record<string, number>;
  /** Highest growth of resident memory, in KiB. */
  grownKb: number;
};

/** The interval at which memory is sampled. */
const SAMPLE_MS = 400;

/**
 * Runs turns against a server and returns their costs.
 * @throws when any turn lacked a token, because the figures of a broken stream are worthless
 */
export async function runLoad(options: {
  rig: Rig;
  server: Server;
  answer: Pick<Answer, 'tokens'>;
  turns: TurnRequest[];
  together?: boolean;
  spreadMs?: number;
}): Promise<LoadRun> {
  const { rig, server, answer, turns, together = false, spreadMs = 0 } = options;
  const { port, wire, leaders } = server;
  const residentBefore = residentOf(leaders);
  let residentHighest = residentBefore;
  const sampler = setInterval(
    () => (residentHighest = Math.max(residentHighest, residentOf(leaders))),
    SAMPLE_MS,
  );
  const cpuBefore = cpuByName(leaders);
  const from = sharedClock();
  const result = await rig.load.ask({
    port,
    wire,
    turns,
    tokens: answer.tokens,
    together,
    spreadMs,
  });
  rig.loadRuns.push({ from, to: sharedClock() });
  clearInterval(sampler);
  const cpuMsByName = Object.fromEntries(
    Object.entries(cpuByName(leaders)).map(([name, ms]) => [name, ms - (cpuBefore[name] ?? 0)]),
  );
  const cpuMs = Object.values(cpuMsByName).reduce((sum, ms) => sum + ms, 0);
  if (result.faults.length) {
    const [first = ''] = result.faults;
    throw new Error(
      `${server.name}: ${result.faults.length} of ${turns.length} turns (${model(answer)}) failed, the first: ${first}`,
    );
  }
  return { ...result, cpuMs, cpuMsByName, grownKb: residentHighest - residentBefore };
}

/**
 * Returns the time to the first token of the turns, in ms: `<prefix>First50` and `<prefix>First99`.
 */
export function firstTokenTimes(prefix: string, { turns }: LoadResult): Measured {
  const times = turns.map(({ sentAt, firstTokenAt }) => firstTokenAt - sentAt);
  return {
    [`${prefix}First50`]: percentile(times, 0.5) ?? Number.NaN,
    [`${prefix}First99`]: percentile(times, 0.99) ?? Number.NaN,
  };
}

function model(answer: Pick<Answer, 'tokens'>): string {
  return modelName({ paceMs: 0, ...answer });
}
