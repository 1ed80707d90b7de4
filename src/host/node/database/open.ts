/** Opens the database on Node and applies the migrations. */
import { readdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigError, type Config } from '../../../config.ts';
import { urlOfTenant } from '../../../core/tenant.ts';
import { openDatabase, type Database } from '../../../store/database.ts';
import { migrate, PATIENCE_MS, type Migration } from '../../../store/migrate.ts';
import type { HttpFetch } from '../../../models/http.ts';
import { httpFetchOf } from '../http-client/http-client.ts';
import type { WriteLock } from './write-lock.ts';

export const DEFAULT_DATABASE_URL = 'file:./data/parley.db';
const MIGRATIONS = resolve(import.meta.dirname, '../../../../migrations');

/** The settings by which a database is reached. */
export type DatabaseSettings = Pick<Config, 'DATABASE_URL' | 'DATABASE_AUTH_TOKEN' | 'HTTP_CLIENT'>;

/**
 * Returns what connects to the databases of tenants, all by one HTTP client. No stream is kept: a
 * server counts those of all its databases together (`sqld`: 128), and each for ten idle seconds.
 * It throws a RangeError for a name that no tenant can have.
 */
export function tenantConnector(config: DatabaseSettings): (tenant: string) => Promise<Database> {
  const { DATABASE_URL = '', DATABASE_AUTH_TOKEN: authToken } = config;
  let network: HttpFetch | undefined;
  return async (tenant) => {
    const { openClient, timed } = await import('../../../store/connect-http.ts');
    const { KEPT_FOR_MS } = await import('./hrana-streams.ts');
    const request = timed((network ??= httpFetchOf(config, KEPT_FOR_MS)));
    const address = { url: urlOfTenant(DATABASE_URL, tenant), authToken };
    return openDatabase(() => openClient(address, request));
  };
}

/**
 * Opens the database. Only the library that it needs is loaded.
 * @param lock of the threads that write to its file
 * @throws ConfigError when no database can be reached by the address
 */
export async function openNodeDatabase(
  config: DatabaseSettings,
  lock?: WriteLock,
): Promise<Database> {
  const url = config.DATABASE_URL ?? DEFAULT_DATABASE_URL;
  try {
    if (url.startsWith('file:')) return (await import('./libsql-file.ts')).connectFile(url, lock);
    const { connectStreams, KEPT_FOR_MS } = await import('./hrana-streams.ts');
    return connectStreams(
      { url, authToken: config.DATABASE_AUTH_TOKEN },
      httpFetchOf(config, KEPT_FOR_MS),
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`invalid environment: DATABASE_URL: ${why}`);
  }
}

/** Reads all migrations, in their order. */
export async function readMigrations(): Promise<Migration[]> {
  const files = (await readdir(MIGRATIONS)).filter((file) => file.endsWith('.sql')).sort();
  const read = files.map(async (file): Promise<Migration> => ({
    name: file.replace(/\.sql$/, ''),
    sql: await readFile(resolve(MIGRATIONS, file), 'utf8'),
  }));
  return Promise.all(read);
}

/** Applies the migrations that are missing, and returns their names. */
export async function migrateFromFolder(db: Database): Promise<string[]> {
  return migrate(db, await readMigrations(), PATIENCE_MS);
}
