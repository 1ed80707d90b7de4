/**
 * `npm run dev`: runs the product on workerd by `wrangler dev`, with its own `sqld`. Ctrl-C stops
 * everything.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { ConfigError, environmentNames, parseConfig } from '../../config.ts';
import { loadEnvFile } from '../env-file.ts';
import { migrateFromFolder, openNodeDatabase } from '../node/database/open.ts';
import { embeddingsOf, registryOf } from '../services.ts';
import { sqldArguments } from './sqld.ts';
import { addressOf, exitOnError, requireAuthOffLoopback } from '../run-main.ts';

const root = resolve(import.meta.dirname, '../../..');
const data = resolve(root, '.data');
const children: ChildProcess[] = [];
let stopping = false;

await exitOnError(async () => {
  loadEnvFile();
  const config = parseConfig(process.env);
  requireAuthOffLoopback(config);
  // The Worker would find a mistake too late to stop the start.
  registryOf(config, fetch);
  embeddingsOf(config, fetch);
  if (config.DATABASE_URL?.startsWith('file:'))
    throw new ConfigError(
      'DATABASE_URL: a Worker has no files; give an http(s):// or libsql:// address, or none',
    );
  process.on('SIGINT', () => void stop(0));
  process.on('SIGTERM', () => void stop(0));
  mkdirSync(data, { recursive: true });
  const databaseUrl = config.DATABASE_URL ?? (await startSqld());
  const db = await openNodeDatabase({ ...config, DATABASE_URL: databaseUrl });
  await migrateFromFolder(db);
  db.close();
  const port = config.PORT === 0 ? await freePort() : config.PORT;
  const address = addressOf(config.HOST, port);
  await startWrangler(address, {
    ...process.env,
    AUTH: config.AUTH ?? 'none',
    DATABASE_URL: databaseUrl,
    HOST: config.HOST,
    PORT: String(port),
  });
  console.log(`listening on ${address}`);
});

/** Starts `sqld` and returns its address once it answers. */
async function startSqld(): Promise<string> {
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const child = start('sqld', sqldArguments(resolve(data, 'sqld'), address));
  const log = collect(child);
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null)
      throw new ConfigError(`sqld did not start: ${log().trim().split('\n').at(-1)}`);
    const healthy = await fetch(`http://${address}/health`).then(
      (response) => response.ok,
      () => false,
    );
    if (healthy) return `http://${address}`;
    await new Promise((tick) => setTimeout(tick, 50));
  }
  throw new ConfigError('sqld did not answer within 10 s');
}

/** Resolves when the Worker answers at `address`. */
async function startWrangler(
  address: string,
  environment: Record<string, string | undefined>,
): Promise<void> {
  const { HOST = '', PORT = '' } = environment;
  // Every user of this machine can read the command line, so secrets go by a file.
  const variables = resolve(data, `wrangler-${PORT}.env`);
  const lines = environmentNames.flatMap((name) =>
    environment[name] ? [`${name}='${environment[name]}'`] : [],
  );
  writeFileSync(variables, `${lines.join('\n')}\n`, { mode: 0o600 });
  const state = resolve(data, `wrangler-${PORT}`);
  const child = start('wrangler', [
    'dev',
    '--ip',
    HOST,
    '--port',
    PORT,
    '--inspector-port',
    '0',
    '--persist-to',
    state,
    '--env-file',
    variables,
    '--log-level',
    'warn',
    '--show-interactive-dev-session=false',
  ]);
  const log = collect(child);
  child.once('exit', () => rmSync(variables, { force: true }));
  for (let tries = 0; tries < 1200; tries++) {
    if (child.exitCode !== null) throw new ConfigError(`wrangler dev did not start: ${log()}`);
    const answers = await fetch(address).then(
      () => true,
      () => false,
    );
    if (answers) return;
    await new Promise((tick) => setTimeout(tick, 100));
  }
  throw new ConfigError('wrangler dev did not answer within two minutes');
}

/** Starts a program of node_modules. When it ends by itself, everything is stopped. */
function start(name: string, args: string[]): ChildProcess {
  const environment = {
    ...process.env,
    WRANGLER_SEND_METRICS: 'false',
    NO_COLOR: '1',
    RUST_LOG: 'warn',
  };
  const child = spawn(resolve(root, 'node_modules/.bin', name), args, {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  child.stdout?.pipe(process.stdout);
  child.stderr?.pipe(process.stderr);
  child.once('error', (error) => {
    console.error(`parley: ${name} cannot be started: ${error.message}`);
    void stop(1);
  });
  child.once('exit', () => void stop(1));
  return child;
}

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (piece: Buffer) => (text += piece.toString()));
  return () => text;
}

/** Stops the Worker first, then the database that it needs. */
async function stop(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  for (const child of children.toReversed()) await end(child);
  process.exit(code);
}

const PATIENCE_MS = 5_000;

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((done) => child.once('exit', done));
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  child.kill('SIGTERM');
  await ended;
  clearTimeout(timer);
}

function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const probe = createServer();
    probe.once('error', failed);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => found(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
