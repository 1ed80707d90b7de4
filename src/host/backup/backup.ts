/**
 * Makes a backup: one file with the whole database as it was at one moment, made while it is in
 * use.
 */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import Libsql from 'libsql';
import { ConfigError } from '../../config.ts';
import type { Address } from '../../store/connect-http.ts';
import { pathOf } from '../node/database/libsql-file.ts';
import { checkBackup, type BackupSummary } from './check-backup.ts';
import { writeDump } from './dump.ts';

/**
 * Copies the database to `target`, which appears when the copy is whole and has been checked.
 * @throws ConfigError when `target` is there already, or the copy is no sound database
 */
export async function backUp(source: Address, target: string): Promise<BackupSummary> {
  if (existsSync(target)) throw new ConfigError(`${target} is there already and is left as it is`);
  const partial = `${target}.partial`;
  rmSync(partial, { force: true });
  try {
    if (source.url.startsWith('file:')) copyFile(pathOf(source.url), partial);
    else await writeDump(source, partial);
    const summary = checkBackup(partial);
    flushFile(partial);
    renameSync(partial, target);
    return summary;
  } finally {
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(partial + end, { force: true });
  }
}

/** SQLite reads it in one transaction: whoever writes meanwhile is not held up. */
function copyFile(path: string, target: string): void {
  if (!existsSync(path)) throw new ConfigError(`there is no database at ${path}`);
  const db = new Libsql(path);
  try {
    db.exec(`VACUUM INTO '${target.replaceAll("'", "''")}'`);
  } finally {
    db.close();
  }
}

function flushFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
