/** Runs the real libSQL server with its data in its own folder. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sqldArguments } from '../../src/host/dev/sqld.ts';
import { startProcess, type ServerProcess } from './child-process.ts';
import {
  cleanEnvironment,
  freePort,
  localCommand,
  removeDirectory,
  repository,
  temporaryDirectory,
} from './places.ts';

export interface Sqld {
  url: string;
  dir: string;
  pid: number;
  logs(): string;
  /** SIGTERM; the data stay. */
  stop(): Promise<void>;
  /** SIGKILL; the data stay. */
  kill(): Promise<void>;
  /** Stops it if it runs, and starts it on the same data and port. */
  restart(): Promise<void>;
  /** Freezes it: connections are accepted, but nothing is answered. */
  pause(): void;
  resume(): void;
  /** Kills it and removes its data, if the folder was made here. */
  close(): Promise<void>;
}

/** Milliseconds for sqld to answer; it takes about 100 on a calm machine. */
const startLimitMs = 20_000;

/**
 * Starts sqld on 127.0.0.1; a temporary folder and a free port unless given.
 * @param options.adminPort where namespaces are made; without it there is one database
 */
export async function startSqld(
  options: { dir?: string; port?: number; adminPort?: number } = {},
): Promise<Sqld> {
  const dir = options.dir ?? temporaryDirectory('sqld');
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const { adminPort } = options;
  let running = await launch({ dir, port, url, adminPort });
  const stop = async () => void (await running.stop(5000));
  return {
    url,
    dir,
    get pid() {
      return running.pid;
    },
    logs: () => running.logs(),
    stop,
    kill: () => running.kill(),
    async restart() {
      if (running.isRunning()) await stop();
      running = await launch({ dir, port, url, adminPort });
    },
    pause: () => running.signal('SIGSTOP'),
    resume: () => running.signal('SIGCONT'),
    async close() {
      await running.kill();
      if (options.dir === undefined) removeDirectory(dir);
    },
  };
}

async function launch({
  dir,
  port,
  url,
  adminPort,
}: {
  dir: string;
  port: number;
  url: string;
  adminPort: number | undefined;
}) {
  const admin = adminPort === undefined ? undefined : `127.0.0.1:${adminPort}`;
  const sqld = startProcess({
    command: localCommand('sqld'),
    args: sqldArguments(dir, `127.0.0.1:${port}`, admin),
    cwd: repository,
    env: cleanEnvironment({}),
  });
  await waitUntilHealthy(sqld, `${url}/health`);
  return sqld;
}

async function waitUntilHealthy(sqld: ServerProcess, url: string): Promise<void> {
  const deadline = Date.now() + startLimitMs;
  for (;;) {
    const answered = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
    if (!sqld.isRunning() || Date.now() > deadline) {
      await sqld.kill();
      throw new Error(`sqld did not come up. Its output:\n${sqld.logs()}`);
    }
    await sleep(20);
  }
}
