/** Copies all rows of a database file into another database whose tables are the same. */
import type Libsql from 'libsql';
import type { InValue } from '@libsql/client/http';
import { ConfigError } from '../../config.ts';
import type { Database, Statement } from '../../store/database.ts';

type Row = readonly InValue[];

/**
 * The most rows of one batch, and roughly the most bytes, which is what a server takes in one
 * request.
 */
const MOST_ROWS = 200;
const MOST_BYTES = 1_000_000;
/** The time for which a batch is retried while the server is unreachable, in milliseconds. */
const RETRY_FOR_MS = 60_000;

/** Tables that triggers fill: what they hold is made anew from others. */
const MADE_ANEW = `'usage_sums', 'usage_requests'`;
/**
 * Tables that hold rows of their own. A virtual table has none; those that it keeps its index in
 * are ordinary tables, and are copied like the rest. Others refer to conversations.
 */
const TABLES = `SELECT name FROM sqlite_master WHERE type = 'table'
  AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
  AND name NOT LIKE 'libsql\\_%' ESCAPE '\\' AND name NOT IN ('parley_migrations', ${MADE_ANEW})
  ORDER BY name <> 'conversations', rowid`;

/**
 * Copies all rows.
 * @throws ConfigError when a row did not arrive
 */
export async function copyTables(from: Libsql.Database, to: Database): Promise<void> {
  // Names are text by the schema of every database.
  const tables = from.prepare(TABLES).pluck().all() as string[];
  for (const table of tables) await copyTable(table, from, to);
}

async function copyTable(table: string, from: Libsql.Database, to: Database): Promise<void> {
  // The rows that migrations inserted are part of the backup too.
  await to.batch([{ sql: `DELETE FROM "${table}"`, args: [] }], 'write', RETRY_FOR_MS);
  // Values come as the library has them, which are those that it takes.
  const rows = from.prepare(`SELECT * FROM "${table}"`).raw().iterate() as Iterable<Row>;
  let copied = 0;
  for (const batch of batchesOf(rows)) {
    await to.batch(insertsInto(table, batch), 'write', RETRY_FOR_MS);
    copied += batch.length;
  }
  const count = { sql: `SELECT count(*) FROM "${table}"`, args: [] };
  const [result] = await to.batch([count], 'read', RETRY_FOR_MS);
  const arrived = Number(result?.values[0]?.[0]);
  if (arrived !== copied)
    throw new ConfigError(`of ${copied} rows of ${table} only ${arrived} arrived`);
}

/** Returns statements that replace existing rows, so that a batch may be sent again. */
function insertsInto(table: string, rows: readonly Row[]): Statement[] {
  return rows.map((row) => ({
    sql: `INSERT OR REPLACE INTO "${table}" VALUES (${row.map(() => '?').join()})`,
    args: [...row],
  }));
}

function* batchesOf(rows: Iterable<Row>): Generator<Row[]> {
  let batch: Row[] = [];
  let bytes = 0;
  for (const row of rows) {
    const size = row.reduce((sum: number, value) => sum + sizeOf(value), 0);
    if (batch.length >= MOST_ROWS || (batch.length > 0 && bytes + size > MOST_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(row);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** Returns about how many bytes a value takes in a request. */
function sizeOf(value: InValue): number {
  if (typeof value === 'string') return value.length * 3;
  return value instanceof Uint8Array ? value.byteLength * 2 : 8;
}
