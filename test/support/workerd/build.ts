/**
 * Builds the Worker as it is deployed, once for all the servers that tests start. A server then
 * takes two seconds of CPU to start; `wrangler dev`, which builds each time, takes twelve.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cleanEnvironment, localCommand, repository } from '../places.ts';

/** What the Worker is made from. */
const SOURCES = ['src', 'web', 'migrations', 'wrangler.toml', 'package-lock.json'];

/** Its file with the settings of `wrangler.toml`. */
export const CONFIG_FILE = 'wrangler.json';

const builds = join(repository, '.data', 'workers');
const lock = `${builds}.lock`;
const LONGEST_BUILD_MS = 180_000;

let building: Promise<string> | undefined;

/** Returns the folder of the Worker as the sources are now; it is built unless it is there. */
export function builtWorker(): Promise<string> {
  building ??= build();
  return building;
}

async function build(): Promise<string> {
  const directory = join(builds, stateOf(SOURCES));
  while (!existsSync(directory)) {
    if (takeLock())
      try {
        if (!existsSync(directory)) await buildIn(directory);
      } finally {
        rmSync(lock, { recursive: true, force: true });
      }
    else await sleep(200);
  }
  return directory;
}

/** Returns true for the one process that may build; the others wait for what it makes. */
function takeLock(): boolean {
  mkdirSync(dirname(lock), { recursive: true });
  const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
  // Its process was killed.
  if (since !== undefined && Date.now() - since > LONGEST_BUILD_MS)
    rmSync(lock, { recursive: true, force: true });
  try {
    mkdirSync(lock);
    return true;
  } catch {
    return false;
  }
}

async function buildIn(directory: string): Promise<void> {
  rmSync(builds, { recursive: true, force: true });
  const unfinished = `${directory}.unfinished`;
  mkdirSync(unfinished, { recursive: true });
  const wrangler = localCommand('wrangler');
  await promisify(execFile)(wrangler, ['deploy', '--dry-run', '--outdir', unfinished], {
    cwd: repository,
    env: cleanEnvironment({ WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' }),
  });
  cpSync(join(repository, 'dist', 'assets'), join(unfinished, 'assets'), { recursive: true });
  // Loaded here alone: it takes a second and a half.
  const { unstable_readConfig: readConfig } = await import('wrangler');
  const config = readConfig({ config: join(repository, 'wrangler.toml') });
  writeFileSync(join(unfinished, CONFIG_FILE), JSON.stringify(config));
  renameSync(unfinished, directory);
}

/** Returns a name for the present state of files: it differs when one of them was written. */
function stateOf(paths: readonly string[]): string {
  const hash = createHash('sha256');
  const add = (path: string) => {
    const { mtimeMs, size } = statSync(path);
    hash.update(`${path} ${mtimeMs} ${size}\n`);
  };
  for (const path of paths.map((each) => join(repository, each))) {
    if (!statSync(path).isDirectory()) add(path);
    else
      for (const entry of readdirSync(path, { recursive: true, withFileTypes: true }))
        if (entry.isFile()) add(join(entry.parentPath, entry.name));
  }
  return hash.digest('hex').slice(0, 16);
}
