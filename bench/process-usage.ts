/**
 * Reads the CPU and memory of all processes in a server's session from /proc (Linux). CPU comes in
 * ticks of 10 ms, so a measurement must take seconds.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export type ProcessUsage = { pid: number; name: string; cpuMs: number; residentKb: number };

/** The name of Node's main thread in /proc. */
const NODE_MAIN_THREAD = 'MainThread';
const TICK_MS = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const PAGE_KB = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' })) / 1024;

/**
 * Returns the processes in the sessions of the given leaders, and all that these have started. A
 * server starts as the leader of its own session; programs that it starts may have others. `cpuMs`
 * is user and system time, with that of children that have ended.
 */
export function usageOf(leaders: number[]): ProcessUsage[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => readProcess(Number(pid)) ?? []);
  const own = new Set(leaders);
  // Parents may have greater numbers than their children, so this looks until it finds no more.
  for (let known = 0; own.size > known;) {
    known = own.size;
    for (const { pid, parent, session } of all)
      if (own.has(session) || own.has(parent)) own.add(pid);
  }
  return all.filter(({ pid }) => own.has(pid));
}

/** Returns the sum of CPU in ms. */
export function cpuOf(leaders: number[]): number {
  return Object.values(cpuByName(leaders)).reduce((sum, cpuMs) => sum + cpuMs, 0);
}

/** Returns the CPU in ms by the name of the program. */
export function cpuByName(leaders: number[]): Record<string, number> {
  const byName: Record<string, number> = {};
  for (const { name, cpuMs } of usageOf(leaders)) byName[name] = (byName[name] ?? 0) + cpuMs;
  return byName;
}

/** Returns the sum of resident memory in KiB. */
export function residentOf(leaders: number[]): number {
  return usageOf(leaders).reduce((sum, { residentKb }) => sum + residentKb, 0);
}

/**
 * Reads the fields of proc_pid_stat(5), counted from after the command: parent 1, session 3, utime
 * to cstime 11–14, rss 21.
 */
function readProcess(
  pid: number,
): (ProcessUsage & { parent: number; session: number }) | undefined {
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
  const ticks = fields.slice(11, 15).reduce((sum, value) => sum + value, 0);
  const command = stat.slice(stat.indexOf('(') + 1, nameEnd);
  const name = command === NODE_MAIN_THREAD ? 'node' : command;
  return {
    ...{ pid, name, parent: fields[1] ?? 0, session: fields[3] ?? 0 },
    ...{ cpuMs: ticks * TICK_MS, residentKb: (fields[21] ?? 0) * PAGE_KB },
  };
}
