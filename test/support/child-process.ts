/**
 * Runs a server as a child process in its own process group and captures its output. A watchdog
 * holds the other end of a pipe, so that the server and all groups that it made for its children
 * end when this process ends, even by kill -9.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServerProcess {
  pid: number;
  /** Everything written so far, stdout and stderr as they came. */
  logs(): string;
  /** Exit code, or the name of the signal that ended it. */
  exited: Promise<number | string>;
  isRunning(): boolean;
  /**
   * Sends SIGTERM to the process itself, and SIGKILL to all when it has not ended after
   * `timeoutMs`.
   */
  stop(timeoutMs?: number): Promise<number | string>;
  /** Sends SIGKILL to it and its descendants at once; resolves when all are gone. */
  kill(): Promise<void>;
  /** Sends any signal to it and its descendants (SIGSTOP and SIGCONT freeze and wake it). */
  signal(name: NodeJS.Signals): void;
  /** Returns true if descendants were still there when it had ended. */
  leftBehind(): boolean;
  /**
   * Waits for the first match in the output; rejects with the output when it ends or takes too
   * long.
   */
  waitForOutput(pattern: RegExp, timeoutMs: number): Promise<RegExpMatchArray>;
}

const running = new Set<ProcessFamily>();
process.on('exit', () => {
  for (const family of running) family.signal('SIGKILL');
});

/** Starts a command; `env` is the whole environment. */
export function startProcess({
  command,
  args,
  cwd,
  env,
}: {
  command: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
}): ServerProcess {
  const child = spawn(command, args, {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot start ${command}`);
  const family = new ProcessFamily(pid);
  running.add(family);
  const logs: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text: string) => logs.push(text));
  }
  let leftBehind = false;
  const exited = once(child, 'exit').then(([code, signal]: unknown[]) => {
    leftBehind = family.isAlive();
    family.signal('SIGKILL');
    running.delete(family);
    family.dismissWatchdog();
    return typeof code === 'number' ? code : String(signal);
  });
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const kill = async () => {
    family.signal('SIGKILL');
    await exited;
    await family.gone();
  };
  return {
    pid,
    logs: () => logs.join(''),
    exited,
    isRunning,
    async stop(timeoutMs = 20_000) {
      if (isRunning()) child.kill('SIGTERM');
      const given = new AbortController();
      const late = sleep(timeoutMs, undefined, { signal: given.signal }).then(
        kill,
        () => undefined,
      );
      await Promise.race([exited, late]);
      given.abort();
      return exited;
    },
    kill,
    signal: (name) => family.signal(name),
    leftBehind: () => leftBehind,
    waitForOutput: (pattern, timeoutMs) =>
      waitForOutput({
        child,
        family,
        logs,
        exited,
        pattern,
        timeoutMs,
        name: [command, ...args].join(' '),
      }),
  };
}

async function waitForOutput({
  child,
  family,
  logs,
  exited,
  pattern,
  timeoutMs,
  name,
}: {
  child: ChildProcess;
  family: ProcessFamily;
  logs: string[];
  exited: Promise<number | string>;
  pattern: RegExp;
  timeoutMs: number;
  name: string;
}): Promise<RegExpMatchArray> {
  const deadline = Date.now() + timeoutMs;
  for (let tries = 1; ; tries += 1) {
    const found = pattern.exec(logs.join(''));
    if (found || tries % 20 === 0) family.findGroups();
    if (found) return found;
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || Date.now() > deadline) {
      const why = ended ? `ended with ${await exited}` : `said nothing of it in ${timeoutMs} ms`;
      throw new Error(`${name} ${why} while waiting for ${pattern}. Its output:\n${logs.join('')}`);
    }
    await sleep(20);
  }
}

/** A process group and the groups that its members made, found while their parents are alive. */
class ProcessFamily {
  private readonly leader: number;
  private readonly groups: Set<number>;
  private readonly watchdog: ChildProcess;

  constructor(leader: number) {
    this.leader = leader;
    this.groups = new Set([leader]);
    this.watchdog = startWatchdog(leader);
  }

  /** Looks for groups made since the last time; takes about 20 ms. */
  findGroups(): void {
    for (const group of descendantGroups(this.leader)) {
      if (this.groups.has(group)) continue;
      this.groups.add(group);
      this.watchdog.stdin?.write(`${group}\n`);
    }
  }

  signal(name: NodeJS.Signals): void {
    for (const group of this.groups) signalGroup(group, name);
  }

  /**
   * Returns true while any member runs. Zombies, which a container's init may never reap, do not
   * count.
   */
  isAlive(): boolean {
    const exists = [...this.groups].some((group) => signalGroup(group, 0));
    if (!exists) return false;
    return processTable().some(
      ({ group, state }) => this.groups.has(group) && !state.startsWith('Z'),
    );
  }

  async gone(): Promise<void> {
    for (let tries = 0; tries < 100 && this.isAlive(); tries += 1) await sleep(10);
  }

  dismissWatchdog(): void {
    this.watchdog.stdin?.end('dismissed\n');
  }
}

/** Returns the groups of a process's descendants that are not its own group. */
function descendantGroups(leader: number): number[] {
  const table = processTable();
  const family = new Set([leader]);
  const groups = new Set<number>();
  for (let before = 0; before < family.size;) {
    before = family.size;
    for (const { pid, parent, group } of table) {
      if (!family.has(parent)) continue;
      family.add(pid);
      groups.add(group);
    }
  }
  groups.delete(leader);
  return [...groups];
}

function processTable() {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid=,state='], { encoding: 'utf8' });
  return lines.split('\n').map((line) => {
    const [pid, parent, group, state = ''] = line.trim().split(/\s+/u);
    return { pid: Number(pid), parent: Number(parent), group: Number(group), state };
  });
}

/**
 * Starts a process that kills the given groups when our end of its input closes without a
 * dismissal.
 */
function startWatchdog(group: number): ChildProcess {
  const script = `
    groups=$1
    while read -r word; do
      [ "$word" = dismissed ] && exit
      groups="$groups $word"
    done
    for group in $groups; do kill -9 "-$group" 2>/dev/null; done`;
  const watchdog = spawn('/bin/sh', ['-c', script, 'watchdog', String(group)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
  });
  watchdog.unref();
  watchdog.stdin.on('error', () => undefined);
  return watchdog;
}

/** Sends a signal to a group (0 only checks). Returns false if there is no such group any more. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}
