/**
 * `npm run db:migrate`: brings a database, usually a remote one, up to date; with `--all`, those of
 * all tenants whose names are read from the standard input, each in a line.
 */
import { text } from 'node:stream/consumers';
import { ConfigError, parseConfig, type Config } from '../../config.ts';
import { hasTenants } from '../../core/tenant.ts';
import { migrate } from '../../store/migrate.ts';
import { sweep } from '../../store/turns/sweep.ts';
import { loadEnvFile } from '../env-file.ts';
import {
  migrateFromFolder,
  openNodeDatabase,
  readMigrations,
  tenantConnector,
} from '../node/database/open.ts';
import { exitOnError } from '../run-main.ts';
import { configOfTenant, tenantArgument } from './command-config.ts';

/** The databases that are migrated at the same time. */
const AT_ONCE = 8;

await exitOnError(async () => {
  loadEnvFile();
  const config = parseConfig(process.env);
  if (process.argv.includes('--all')) await migrateAll(config);
  else await migrateOne(configOfTenant(config, tenantArgument()));
});

async function migrateOne(config: Config): Promise<void> {
  const db = await openNodeDatabase(config);
  console.log(outcomeOf(await migrateFromFolder(db)));
  db.close();
}

/**
 * Migrates the databases of all tenants that are named, and tells of each. It also ends the turns
 * that dead processes have left there: a process knows only the tenants that came to it.
 */
async function migrateAll(config: Config): Promise<void> {
  if (!hasTenants(config.DATABASE_URL))
    throw new ConfigError(
      'DATABASE_URL has no {tenant}, so there is one database: leave out --all',
    );
  const tenants = await readNames();
  // A name that none can be stops the command before anything is done.
  for (const tenant of tenants) configOfTenant(config, tenant);
  const connect = tenantConnector(config);
  const migrations = await readMigrations();
  let done = 0;
  let failed = 0;
  const tell = (tenant: string, outcome: string) =>
    console.log(`${++done}/${tenants.length} ${tenant}: ${outcome}`);
  const waiting = tenants.values();
  const work = async () => {
    for (const tenant of waiting)
      try {
        const db = await connect(tenant);
        const applied = await migrate(db, migrations);
        await sweep(db, config.TURN_LEASE_MS);
        tell(tenant, outcomeOf(applied));
        db.close();
      } catch (error) {
        failed++;
        tell(tenant, `failed: ${whyOf(error)}`);
      }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  if (failed > 0)
    throw new ConfigError(`${failed} of ${tenants.length} databases were not migrated`);
}

/** Reads names, each in a line. @throws ConfigError when there is none */
async function readNames(): Promise<string[]> {
  const lines = process.stdin.isTTY ? '' : await text(process.stdin);
  const names = lines.split('\n').map((line) => line.trim());
  const tenants = [...new Set(names.filter((name) => name !== '' && !name.startsWith('#')))];
  if (tenants.length > 0) return tenants;
  throw new ConfigError(
    'say which tenants: npm run db:migrate -- --all < FILE, a name in each line',
  );
}

function outcomeOf(applied: readonly string[]): string {
  return applied.length === 0 ? 'the database is up to date' : `applied ${applied.join(', ')}`;
}

function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
