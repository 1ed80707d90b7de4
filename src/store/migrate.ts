/**
 * Applies `migrations/` in their order. Each migration is one transaction that begins by taking its
 * name, so two processes may migrate at once, and one may be killed in the middle.
 */
import { ConfigError } from '../config.ts';
import { NOW, type Database } from './database.ts';
import { text } from './rows.ts';

export interface Migration {
  /** The file's name without its ending. */
  name: string;
  sql: string;
}

/** The line with which drizzle-kit separates statements. */
const BREAKPOINT = '--> statement-breakpoint';
/** A migration may wait this long for another process's. */
const PATIENCE_MS = 60_000;

/**
 * @returns the names of the migrations applied now
 * @throws ConfigError when the database has had migrations that are not among these
 */
export async function migrate(db: Database, migrations: readonly Migration[]): Promise<string[]> {
  await db.batch(
    [
      {
        sql: 'CREATE TABLE IF NOT EXISTS parley_migrations (name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL)',
        args: [],
      },
    ],
    'write',
    PATIENCE_MS,
  );
  await requireKnown(db, migrations);
  const applied: string[] = [];
  for (const migration of migrations) {
    if (await isApplied(db, migration.name)) continue;
    if (await apply(db, migration)) applied.push(migration.name);
  }
  return applied;
}

/** A newer program may have changed what this one relies on. */
async function requireKnown(db: Database, migrations: readonly Migration[]): Promise<void> {
  const known = new Set(migrations.map(({ name }) => name));
  const all = { sql: 'SELECT name FROM parley_migrations ORDER BY name', args: [] };
  const [result] = await db.batch([all], 'read', PATIENCE_MS);
  const unknown = (result?.rows ?? [])
    .map((row) => text(row['name']))
    .filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new ConfigError(
    `the database is newer than this program (it has had ${unknown.join(', ')}): upgrade, or restore a backup`,
  );
}

async function isApplied(db: Database, name: string): Promise<boolean> {
  const [result] = await db.batch(
    [{ sql: 'SELECT 1 FROM parley_migrations WHERE name = ?', args: [name] }],
    'read',
    PATIENCE_MS,
  );
  return (result?.rows.length ?? 0) > 0;
}

async function apply(db: Database, { name, sql }: Migration): Promise<boolean> {
  const statements = sql.split(BREAKPOINT).map((text) => ({ sql: text.trim(), args: [] }));
  const take = {
    sql: `INSERT INTO parley_migrations (name, applied_at) VALUES (?, ${NOW})`,
    args: [name],
  };
  try {
    await db.batch(
      [take, ...statements.filter((statement) => statement.sql !== '')],
      'write',
      PATIENCE_MS,
    );
    return true;
  } catch (error) {
    // Another process took the name first, or this is a repeat of a batch whose answer was lost.
    if (await isApplied(db, name)) return false;
    throw error;
  }
}
