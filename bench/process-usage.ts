/**
 * What the operating system has accounted to a server (Linux): CPU and memory of every process of its session, from
 * /proc. CPU comes in ticks of 10 ms, so whatever is measured has to take seconds.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export type ProcessUsage = { pid: number; name: string; cpuMs: number; residentKb: number };

/** What Node calls itself there. */
const NODE_MAIN_THREAD = 'MainThread';
const TICK_MS = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const PAGE_KB = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' })) / 1024;

/**
 * The processes in the sessions of the given leaders (a server is started as the leader of a session of its own, so
 * all of its descendants are in it). `cpuMs` is user and system time, that of children that have ended included.
 */
export function usageOf(leaders: number[]): ProcessUsage[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => readProcess(Number(pid), leaders) ?? []);
}

/** CPU in ms, in all. */
export function cpuOf(leaders: number[]): number {
  return Object.values(cpuByName(leaders)).reduce((sum, cpuMs) => sum + cpuMs, 0);
}

/** CPU in ms by the name of the program. */
export function cpuByName(leaders: number[]): Record<string, number> {
  const byName: Record<string, number> = {};
  for (const { name, cpuMs } of usageOf(leaders)) byName[name] = (byName[name] ?? 0) + cpuMs;
  return byName;
}

/** Resident memory in KiB, in all. */
export function residentOf(leaders: number[]): number {
  return usageOf(leaders).reduce((sum, { residentKb }) => sum + residentKb, 0);
}

/** Fields by proc_pid_stat(5), counted from after the command: session 3, utime to cstime 11–14, rss 21. */
function readProcess(pid: number, leaders: number[]): ProcessUsage | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined; // It ended between the listing and the reading.
  }
  const nameEnd = stat.lastIndexOf(')');
  const fields = stat
    .slice(nameEnd + 2)
    .split(' ')
    .map(Number);
  if (!leaders.includes(fields[3] ?? 0)) return undefined;
  const ticks = fields.slice(11, 15).reduce((sum, value) => sum + value, 0);
  const command = stat.slice(stat.indexOf('(') + 1, nameEnd);
  const name = command === NODE_MAIN_THREAD ? 'node' : command;
  return { pid, name, cpuMs: ticks * TICK_MS, residentKb: (fields[21] ?? 0) * PAGE_KB };
}
