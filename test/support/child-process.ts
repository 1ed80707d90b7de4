/**
 * A server as a child process in a process group of its own, with its output captured. Whatever
 * ends this process, kill -9 included, ends the group too: a watchdog holds the other end of a pipe.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServerProcess {
  pid: number;
  /** Everything written so far, stdout and stderr as they came. */
  logs(): string;
  /** Exit code, or the name of the signal that ended it. */
  exited: Promise<number | string>;
  isRunning(): boolean;
  /** SIGTERM to the process itself; SIGKILL to the group when it has not ended after `timeoutMs`. */
  stop(timeoutMs?: number): Promise<number | string>;
  /** SIGKILL to the whole group. */
  kill(): Promise<void>;
  /** Sends any signal to the whole group (SIGSTOP and SIGCONT freeze and wake it). */
  signal(name: NodeJS.Signals): void;
  /** Processes of the group that were still there when its leader had ended. */
  leftBehind(): boolean;
  /** The first match in the output; rejects with the output when it ends or takes too long. */
  waitForOutput(pattern: RegExp, timeoutMs: number): Promise<RegExpMatchArray>;
}

const groups = new Set<number>();
process.on('exit', () => {
  for (const group of groups) signalGroup(group, 'SIGKILL');
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
  groups.add(pid);
  const watchdog = startWatchdog(pid);
  const logs: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text: string) => logs.push(text));
  }
  let leftBehind = false;
  const exited = once(child, 'exit').then(([code, signal]: unknown[]) => {
    leftBehind = signalGroup(pid, 'SIGKILL');
    groups.delete(pid);
    watchdog.stdin?.end('dismissed\n');
    return typeof code === 'number' ? code : String(signal);
  });
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const kill = async () => {
    signalGroup(pid, 'SIGKILL');
    await exited;
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
    signal: (name) => void signalGroup(pid, name),
    leftBehind: () => leftBehind,
    waitForOutput: (pattern, timeoutMs) =>
      waitForOutput({
        child,
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
  logs,
  exited,
  pattern,
  timeoutMs,
  name,
}: {
  child: ChildProcess;
  logs: string[];
  exited: Promise<number | string>;
  pattern: RegExp;
  timeoutMs: number;
  name: string;
}): Promise<RegExpMatchArray> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = pattern.exec(logs.join(''));
    if (found) return found;
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || Date.now() > deadline) {
      const why = ended ? `ended with ${await exited}` : `said nothing of it in ${timeoutMs} ms`;
      throw new Error(`${name} ${why} while waiting for ${pattern}. Its output:\n${logs.join('')}`);
    }
    await sleep(20);
  }
}

/** Kills the group when our end of its input closes without a word. */
function startWatchdog(group: number): ChildProcess {
  const script = 'read -r word || kill -9 "-$1" 2>/dev/null';
  const watchdog = spawn('/bin/sh', ['-c', script, 'watchdog', String(group)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
  });
  watchdog.unref();
  watchdog.stdin.on('error', () => undefined);
  return watchdog;
}

/** False when there is no such group any more. */
function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}
