/**
 * Restores a backup to an empty database: a file that does not exist yet, or a server without data.
 */
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Libsql from 'libsql';
import { ConfigError, type Config } from '../../config.ts';
import type { Database } from '../../store/database.ts';
import { pathOf } from '../node/database/libsql-file.ts';
import { migrateFromFolder, openNodeDatabase } from '../node/database/open.ts';
import { requireWritable } from '../node/database/writable.ts';
import { checkBackup, type BackupSummary } from './check-backup.ts';
import { copyTables } from './copy-tables.ts';

type Target = Pick<Config, 'DATABASE_URL' | 'DATABASE_AUTH_TOKEN' | 'HTTP_CLIENT'>;

/**
 * @throws ConfigError when the backup is not sound, or there is something where it is to go
 */
export async function restore(backup: string, url: string, target: Target): Promise<BackupSummary> {
  if (!existsSync(backup)) throw new ConfigError(`there is no backup at ${backup}`);
  const summary = checkBackup(backup);
  if (url.startsWith('file:')) restoreFile(backup, pathOf(url));
  else await restoreServer(backup, target);
  return summary;
}

function restoreFile(backup: string, path: string): void {
  for (const file of [path, `${path}-wal`])
    if (existsSync(file)) throw new ConfigError(`${file} is there already and is left as it is`);
  requireWritable(path);
  const partial = `${path}.partial`;
  copyFileSync(backup, partial);
  renameSync(partial, path);
}

/** Brings a copy and the server up to the same migrations, so that their tables are the same. */
async function restoreServer(backup: string, target: Target): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'parley-restore-'));
  const copy = join(folder, 'backup.db');
  copyFileSync(backup, copy);
  const to = await openNodeDatabase(target);
  try {
    await migrateFile(copy, target);
    await migrateFromFolder(to);
    await requireEmpty(to);
    const from = new Libsql(copy);
    await copyTables(from, to).finally(() => from.close());
  } finally {
    to.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function migrateFile(path: string, target: Target): Promise<void> {
  const db = await openNodeDatabase({ ...target, DATABASE_URL: `file:${path}` });
  await migrateFromFolder(db).finally(() => db.close());
}

async function requireEmpty(db: Database): Promise<void> {
  const sql = `SELECT (SELECT count(*) FROM conversations) + (SELECT count(*) FROM documents) +
    (SELECT count(*) FROM owners) AS rows`;
  const [result] = await db.batch([{ sql, args: [] }], 'read');
  if (Number(result?.values[0]?.[0]) > 0)
    throw new ConfigError('the database holds data already and is left as it is');
}
