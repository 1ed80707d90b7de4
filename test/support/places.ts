/** Provides folders, ports and the clean environment in which test servers run. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { asRecord, asText } from './json.ts';

export const repository = join(import.meta.dirname, '..', '..');

const temporaryDirectories = new Set<string>();
process.on('exit', () => {
  for (const directory of temporaryDirectories) removeDirectory(directory);
});

/** Makes a new empty folder; it is removed when this process ends. */
export function temporaryDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `parley-${name}-`));
  temporaryDirectories.add(directory);
  return directory;
}

export function removeDirectory(directory: string): void {
  temporaryDirectories.delete(directory);
  rmSync(directory, { recursive: true, force: true });
}

/** Returns a port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A TCP server's address is always an object; only pipes have a string.
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Returns the path of a command in the repository's `node_modules/.bin`. */
export function localCommand(name: string, directory = repository): string {
  return join(directory, 'node_modules', '.bin', name);
}

/**
 * Returns PATH (as npm scripts see it), HOME and the given variables, and nothing else of our own
 * environment.
 */
export function cleanEnvironment(
  env: Record<string, string>,
  directory = repository,
): Record<string, string> {
  const path = [join(directory, 'node_modules', '.bin'), process.env['PATH']].join(delimiter);
  return { PATH: path, HOME: process.env['HOME'] ?? tmpdir(), ...env };
}

/**
 * Returns the arguments for `node` in a script of package.json that is a plain `node …`, else the
 * fallback. Env files are left out, because a test sets the whole environment.
 */
export function nodeScript(name: string, fallback: string[], directory = repository): string[] {
  const manifest: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  const script = asText(asRecord(asRecord(manifest)['scripts'])[name]);
  const [command, ...args] = script.replace(/^exec\s+/u, '').split(/\s+/u);
  const isPlain = command === 'node' && !/[&|;<>$"']/u.test(script);
  return isPlain ? args.filter((argument) => !argument.startsWith('--env=')) : fallback;
}
