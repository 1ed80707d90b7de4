/** Looks through all that a database holds, whatever tables there are. */
import { createClient, type Client, type Value } from '@libsql/client';

/** How long a statement waits while a server under test writes. */
const BUSY_TIMEOUT_MS = 20_000;

/**
 * Opens the database of a server that runs. It waits for the server's writes: without that, a test
 * fails with `database is locked` whenever both write at the same time.
 * @param databaseUrl a file or a server
 */
export function openBesideServer(databaseUrl: string): Client {
  return createClient({ url: databaseUrl, timeout: BUSY_TIMEOUT_MS });
}

/** A table, and a row of it that holds what was looked for, as JSON. */
export interface Finding {
  table: string;
  row: string;
}

/**
 * Finds rows in which a text stands, in any column of any table; in the indexes of words, rows that
 * have it as a word.
 * @param databaseUrl a file or a server
 */
export async function findInDatabase(databaseUrl: string, sought: string): Promise<Finding[]> {
  const client = openBesideServer(databaseUrl);
  try {
    const { rows } = await client.execute(
      `SELECT name, sql FROM sqlite_master WHERE type = 'table'`,
    );
    const found: Finding[] = [];
    for (const { name, sql } of rows) {
      const table = textOf(name);
      // The pages of an index of words are looked at by asking the index.
      if (/^(chunk_words_\d+_|sqlite_)/u.test(table)) continue;
      const isWords = textOf(sql).startsWith('CREATE VIRTUAL');
      const read = isWords
        ? await client.execute({
            sql: `SELECT rowid FROM ${table} WHERE ${table} MATCH ?`,
            args: [`"${sought}"`],
          })
        : await client.execute(await selectWith(client, table, sought));
      found.push(...read.rows.map((row) => ({ table, row: JSON.stringify(Object.values(row)) })));
    }
    return found;
  } finally {
    client.close();
  }
}

async function selectWith(client: Client, table: string, sought: string) {
  const columns = await client.execute(`SELECT name FROM pragma_table_info('${table}')`);
  const names = columns.rows.map(({ name }) => textOf(name));
  const isIn = names.map((name) => `instr(CAST("${name}" AS TEXT), ?)`).join(' OR ');
  return { sql: `SELECT * FROM ${table} WHERE ${isIn}`, args: names.map(() => sought) };
}

function textOf(value: Value | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** Runs one statement: to bring about what takes a month, or to look quickly. @returns its rows */
export async function runSql(databaseUrl: string, sql: string): Promise<Record<string, Value>[]> {
  const client = openBesideServer(databaseUrl);
  try {
    return (await client.execute(sql)).rows;
  } finally {
    client.close();
  }
}
