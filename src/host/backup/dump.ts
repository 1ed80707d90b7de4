/** The dump of a server: `sqld` and Turso give a database as SQL, read in one transaction. */
import Libsql from 'libsql';
import { ConfigError } from '../../config.ts';
import type { Address } from '../../store/connect-http.ts';
import { statementsOf } from './sql-statements.ts';

/**
 * Writes what the server at `source` holds into a new file.
 * @throws ConfigError when the server does not give all of it
 */
export async function writeDump({ url, authToken }: Address, target: string): Promise<void> {
  const pieces = await fetchDump(url, authToken);
  const db = new Libsql(target);
  let last = '';
  try {
    for await (const statement of statementsOf(pieces)) {
      if (statement !== '') db.exec(repaired(statement));
      last = statement;
    }
  } finally {
    db.close();
  }
  if (!/^commit$/iu.test(last)) throw new ConfigError('the dump ended before its end');
}

async function fetchDump(url: string, authToken?: string): Promise<AsyncIterable<string>> {
  // Below the database's own path, where it has one.
  const address = new URL(url.replace(/^libsql:/u, 'https:').replace(/\/*$/u, '/'));
  address.pathname += 'dump';
  const headers = new Headers();
  if (authToken !== undefined) headers.set('authorization', `Bearer ${authToken}`);
  const response = await fetch(address, { headers }).catch((error: unknown) => {
    throw new ConfigError(`${address.origin} does not answer`, { cause: error });
  });
  if (!response.ok || !response.body)
    throw new ConfigError(
      `${address.origin} gave no dump: it answered ${response.status}. With Turso, ` +
        '`turso db export NAME` makes a file, and `npm run restore` takes it',
    );
  return response.body.pipeThrough(new TextDecoderStream('utf-8', { fatal: true }));
}

const VIRTUAL_TABLE = new RegExp(
  String.raw`^(INSERT INTO sqlite_schema\([\w,]+\) VALUES\('table','\w+','\w+',0,')` +
    String.raw`(CREATE VIRTUAL TABLE [\s\S]*)('\))$`,
  'u',
);

/** Servers do not double the quotes within the statement that makes a virtual table. */
function repaired(statement: string): string {
  const [, before, made, after] = VIRTUAL_TABLE.exec(statement) ?? [];
  return made === undefined ? statement : `${before}${made.replaceAll("'", "''")}${after}`;
}
