/**
 * Checks at the start whether a database file can be written, which SQLite reports late and
 * briefly.
 */
import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes the folder of a database, with those above it.
 * @throws Error with one line that names what cannot be written, and why
 */
export function requireWritable(path: string): void {
  const folder = resolve(dirname(path));
  attempt(`the folder ${folder} cannot be made`, () => mkdirSync(folder, { recursive: true }));
  attempt(`the folder ${folder} cannot be written`, () => accessSync(folder, constants.W_OK));
  const file = statSync(path, { throwIfNoEntry: false });
  if (!file) return;
  if (!file.isFile()) throw new Error(`${resolve(path)} is no file`);
  const both = constants.R_OK | constants.W_OK;
  attempt(`${resolve(path)} cannot be written`, () => accessSync(path, both));
}

function attempt(what: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    throw new Error(`${what} (${String(code)})`, { cause: error });
  }
}
