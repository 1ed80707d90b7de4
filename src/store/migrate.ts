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
/** A migration may wait this long for another process's, in milliseconds. */
export const PATIENCE_MS = 60_000;

/**
 * Applies the migrations that are missing. A database that has them all is asked once.
 * @param patienceMs milliseconds for which the first look waits for a database that cannot be
 *   reached; undefined where somebody waits
 * @returns the names of the migrations applied now
 * @throws ConfigError when the database has had migrations that are not among these
 */
export async function migrate(
  db: Database,
  migrations: readonly Migration[],
  patienceMs?: number,
): Promise<string[]> {
  const had = await namesApplied(db, patienceMs);
  requireKnown(had, migrations);
  const applied: string[] = [];
  for (const migration of migrations)
    if (!had.includes(migration.name) && (await apply(db, migration))) applied.push(migration.name);
  return applied;
}

/** Returns the names of the migrations that a database has had, and makes the table of them. */
async function namesApplied(db: Database, patienceMs?: number): Promise<string[]> {
  const all = { sql: 'SELECT name FROM parley_migrations ORDER BY name', args: [] };
  const make = {
    sql: 'CREATE TABLE IF NOT EXISTS parley_migrations (name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL)',
    args: [],
  };
  const look = async () => {
    try {
      return await db.batch([all], 'read', patienceMs);
    } catch (error) {
      if (!(error instanceof Error && /no such table/.test(error.message))) throw error;
      await db.batch([make], 'write', PATIENCE_MS);
      return db.batch([all], 'read', PATIENCE_MS);
    }
  };
  const [result] = await look();
  return (result?.rows ?? []).map((row) => text(row['name']));
}

/** A newer program may have changed what this one relies on. */
function requireKnown(applied: readonly string[], migrations: readonly Migration[]): void {
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = applied.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new ConfigError(
    `the database is newer than this program (it has had ${unknown.join(', ')}): upgrade, or restore a backup`,
  );
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
    if ((await namesApplied(db, PATIENCE_MS)).includes(name)) return false;
    throw error;
  }
}
