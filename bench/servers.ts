/** Starts the servers that are compared, each as its users start it, and in its own session. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sqldArguments } from '../src/host/dev/sqld.ts';
import type { ProxyAnswer, ProxyQuestion } from './database-proxy.ts';
import { HelperProcess } from './helper-process.ts';
import { cpuOf, usageOf } from './process-usage.ts';
import type { Wire } from './wire.ts';

export const SERVER_NAMES = [
  'floor',
  'stream-text',
  'parley-node',
  'parley-sqld',
  'parley-workerd',
] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

/**
 * A running server. The processes in the sessions of `leaders` count as its own, including its
 * database's.
 */
export type Server = {
  name: ServerName;
  port: number;
  wire: Wire;
  leaders: number[];
  /** From the start of the process to its `listening on` line: the time and the CPU, in ms. */
  startUp: { wallMs: number; cpuMs: number };
  /** The proxy of its database, if that is reached over HTTP. */
  database?: HelperProcess<ProxyQuestion, ProxyAnswer>;
  stop: () => Promise<void>;
};

type Started = {
  port: number;
  leader: number;
  startUp: Server['startUp'];
  stop: () => Promise<void>;
};
type Command = { command: string; environment: Record<string, string>; ready: RegExp };

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
const START_LIMIT_MS = 90_000;
const STOP_LIMIT_MS = 15_000;
const LISTENING = /listening on http:\/\/[^\s:]+:(\d+)/;

/**
 * Starts a server against the upstream at `upstreamPort`, with more environment if given. Resolves
 * when it listens.
 */
export async function startServer(
  name: ServerName,
  upstreamPort: number,
  more: Record<string, string> = {},
): Promise<Server> {
  const environment = { OPENAI_BASE_URL: `http://127.0.0.1:${upstreamPort}/v1`, ...more };
  if (name === 'floor' || name === 'stream-text') {
    const started = await start({
      command: `node bench/${name}-server.ts`,
      environment,
      ready: LISTENING,
    });
    return {
      name,
      wire: name === 'floor' ? 'openai' : 'ui',
      leaders: [started.leader],
      ...started,
    };
  }
  return name === 'parley-node' ? startOnFile(environment) : startOnSqld(name, environment);
}

async function startOnFile(environment: Record<string, string>): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
  const database = { DATABASE_URL: `file:${join(folder, 'parley.db')}` };
  const started = await start(parley('start', { ...environment, ...database }));
  const stop = async (): Promise<void> => {
    await started.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { name: 'parley-node', wire: 'native', leaders: [started.leader], ...started, stop };
}

async function startOnSqld(name: ServerName, environment: Record<string, string>): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-bench-'));
  const sqldPort = await freePort();
  const command = ['sqld', ...sqldArguments(folder, `127.0.0.1:${sqldPort}`)].join(' ');
  const sqld = await start({ command, environment: {}, ready: /listening for.* HTTP/i });
  const proxy = new HelperProcess<ProxyQuestion, ProxyAnswer>('database-proxy.ts');
  const { port } = await proxy.ask({ kind: 'open', port: sqldPort });
  const database = { DATABASE_URL: `http://127.0.0.1:${port}` };
  const script = name === 'parley-workerd' ? 'dev' : 'start';
  const started = await start(parley(script, { ...environment, ...database }));
  const stop = async (): Promise<void> => {
    await started.stop();
    proxy.stop();
    await sqld.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    name,
    wire: 'native',
    ...started,
    leaders: [started.leader, sqld.leader],
    database: proxy,
    stop,
  };
}

/** Returns the command of an npm script, without npm's own process around it. */
function parley(script: 'start' | 'dev', environment: Record<string, string>): Command {
  const fallback = { start: 'node src/host/node/main.ts', dev: 'node src/host/dev/main.ts' }[
    script
  ];
  const scripts: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts;
  const command: unknown =
    typeof scripts === 'object' && scripts ? Reflect.get(scripts, script) : undefined;
  return {
    command: typeof command === 'string' ? command : fallback,
    environment: { ...environment, OPENAI_API_KEY: 'bench', EMBEDDING_MODEL: 'offline' },
    ready: LISTENING,
  };
}

/** Runs a command until its output matches `ready`, whose first group, if any, is the port. */
async function start({ command, environment, ready }: Command): Promise<Started> {
  const { PATH = '', HOME = '' } = process.env;
  const path = `${join(ROOT, 'node_modules/.bin')}:${PATH}`;
  const startedAt = performance.now();
  const child = spawn('sh', ['-c', command], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: path, HOME, HOST: '127.0.0.1', PORT: '0', ...environment },
  });
  const leader = child.pid ?? 0;
  const stop = (): Promise<void> => stopSession(leader);
  const port = await new Promise<number>((resolve, reject) => {
    let output = '';
    const timer = setTimeout(
      () => reject(new Error(`${command}: not ready in time\n${output}`)),
      START_LIMIT_MS,
    );
    const onOutput = (data: Buffer): void => {
      output = (output + data.toString()).slice(-20_000);
      const match = ready.exec(output);
      if (!match) return;
      clearTimeout(timer);
      resolve(Number(match[1] ?? 0));
    };
    child.stdout.on('data', onOutput);
    child.stderr.on('data', onOutput);
    child.on('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`${command}: ended with ${code}\n${output}`));
    });
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const startUp = { wallMs: performance.now() - startedAt, cpuMs: cpuOf([leader]) };
  return { port, leader, startUp, stop };
}

/**
 * Asks every process of the session to end, which may be in other process groups, and waits until
 * all have ended.
 */
async function stopSession(leader: number): Promise<void> {
  signalSession(leader, 'SIGTERM');
  const deadline = performance.now() + STOP_LIMIT_MS;
  while (usageOf([leader]).length > 0) {
    if (performance.now() > deadline) signalSession(leader, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function signalSession(leader: number, signal: NodeJS.Signals): void {
  for (const { pid } of usageOf([leader])) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has already ended by itself.
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}
