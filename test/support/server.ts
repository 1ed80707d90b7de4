/**
 * Runs the product as a real process: the Node server, or the one that `npm run dev` runs on
 * workerd.
 */
import { join } from 'node:path';
import { startProcess, type ServerProcess } from './child-process.ts';
import {
  cleanEnvironment,
  localCommand,
  nodeScript,
  removeDirectory,
  repository,
  temporaryDirectory,
} from './places.ts';
import { startSqld, type Sqld } from './sqld.ts';
import { builtWorker } from './workerd/build.ts';

export type Runtime = 'node' | 'workerd';

export interface ServerOptions {
  runtime?: Runtime;
  /** Added to PATH and HOME, which is all that the server gets otherwise. */
  env?: Record<string, string>;
  /** Sets no DATABASE_URL: the product uses its own default in its checkout. */
  ownDatabase?: boolean;
  /** Folder of the data; a temporary one that `close` removes unless given. */
  dir?: string;
  /** Checkout to run; this one unless given. */
  cwd?: string;
  /** Milliseconds to come up. Default 120000. */
  startLimitMs?: number;
}

export interface TestServer {
  runtime: Runtime;
  url: string;
  pid: number;
  /** The whole environment it runs with. */
  env: Record<string, string>;
  /** Empty when the product uses its default. */
  databaseUrl: string;
  dir: string;
  /** The sqld that was started for it (workerd without a DATABASE_URL). */
  sqld: Sqld | undefined;
  /** Output of the present process. */
  logs(): string;
  isRunning(): boolean;
  /** Processes that were left when the main one had ended (they have been killed). */
  leftBehind(): boolean;
  /** SIGTERM; resolves with the exit code, or the signal's name. Its database stays. */
  stop(timeoutMs?: number): Promise<number | string>;
  /** SIGKILL to it and all its descendants. Its database stays. */
  kill(): Promise<void>;
  /** Stops it if it runs and starts it on the same data and port, with `extraEnv` added. */
  restart(extraEnv?: Record<string, string>): Promise<void>;
  /** Freezes and wakes it with all its descendants. */
  pause(): void;
  resume(): void;
  /** Kills it and its sqld, and removes the data if the folder was made here. */
  close(): Promise<void>;
}

const listening = /listening on (http:\/\/\S+)/u;

/** Starts the product on a free port of 127.0.0.1 and waits until it says that it listens. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const { runtime = 'node', startLimitMs = 120_000 } = options;
  const dir = options.dir ?? temporaryDirectory(runtime);
  const given = options.env ?? {};
  const needsSqld = runtime === 'workerd' && !options.ownDatabase && !given['DATABASE_URL'];
  const sqld = needsSqld ? await startSqld() : undefined;
  const fileUrl = options.ownDatabase ? '' : `file:${join(dir, 'parley.db')}`;
  const databaseUrl = given['DATABASE_URL'] ?? sqld?.url ?? fileUrl;
  const cwd = options.cwd ?? repository;
  // `npm run dev` builds the Worker at each start: this one is built once.
  const worker =
    runtime === 'workerd' && !options.ownDatabase && cwd === repository
      ? { WORKER_BUILD: await builtWorker(), WORKER_STATE: join(dir, 'workerd') }
      : undefined;
  const start = (variables: Record<string, string>) =>
    launch({
      command: worker ? SERVE_WORKER : scriptOf(runtime, cwd),
      cwd,
      env: { ...cleanEnvironment(variables, cwd), ...worker },
      startLimitMs,
    });
  const clean = async () => {
    await sqld?.close();
    if (options.dir === undefined) removeDirectory(dir);
  };

  let env: Record<string, string> = {
    HOST: '127.0.0.1',
    PORT: '0',
    ...given,
    ...(databaseUrl !== '' && { DATABASE_URL: databaseUrl }),
  };
  let running = await start(env).catch(async (error: unknown) => {
    await clean();
    throw error;
  });
  const { url } = running;
  return {
    runtime,
    url,
    get pid() {
      return running.process.pid;
    },
    get env() {
      return cleanEnvironment(env, cwd);
    },
    databaseUrl,
    dir,
    sqld,
    logs: () => running.process.logs(),
    isRunning: () => running.process.isRunning(),
    leftBehind: () => running.process.leftBehind(),
    stop: (timeoutMs) => running.process.stop(timeoutMs),
    kill: () => running.process.kill(),
    async restart(extraEnv = {}) {
      if (running.process.isRunning()) await running.process.stop();
      env = { ...env, ...extraEnv, PORT: new URL(url).port };
      running = await start(env);
    },
    pause: () => running.process.signal('SIGSTOP'),
    resume: () => running.process.signal('SIGCONT'),
    async close() {
      await running.process.kill();
      // Files that `wrangler dev` keeps for this port, which another server may use later.
      const leftovers = join(cwd, '.data', `wrangler-${new URL(url).port}`);
      removeDirectory(leftovers);
      removeDirectory(`${leftovers}.env`);
      await clean();
    },
  };
}

const SERVE_WORKER = ['--disable-warning=ExperimentalWarning', 'test/support/workerd/serve.ts'];

/** Returns the arguments of `node` in `npm start` or in `npm run dev`. */
function scriptOf(runtime: Runtime, cwd: string): string[] {
  const script = runtime === 'node' ? 'start' : 'dev';
  const entry = runtime === 'node' ? 'src/host/node/main.ts' : 'src/host/dev/main.ts';
  return nodeScript(script, ['--disable-warning=ExperimentalWarning', entry], cwd);
}

async function launch({
  command: args,
  cwd,
  env,
  startLimitMs,
}: {
  command: string[];
  cwd: string;
  env: Record<string, string>;
  startLimitMs: number;
}): Promise<{ process: ServerProcess; url: string }> {
  const server = startProcess({ command: localCommand('node', cwd), args, cwd, env });
  try {
    const [, url = ''] = await server.waitForOutput(listening, startLimitMs);
    return { process: server, url };
  } catch (error) {
    await server.kill();
    throw error;
  }
}
