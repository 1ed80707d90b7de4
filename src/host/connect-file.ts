/** A database in a local file: Node only, since the library is native code. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@libsql/client/sqlite3';
import { openDatabase, type Database } from '../store/database.ts';

/** How long a statement waits, blocking, for another process's write. */
const BUSY_TIMEOUT_MS = 5_000;

/** @param url `file:path` or `file:///path`; missing folders are made */
export async function connectFile(url: string): Promise<Database> {
  mkdirSync(dirname(pathOf(url)), { recursive: true });
  const connect = () => createClient({ url, timeout: BUSY_TIMEOUT_MS });
  // The journal mode stays with the file, so one connection sets it for all: with a write-ahead log readers and the writer do not wait for each other.
  const first = connect();
  await first.execute('PRAGMA journal_mode = WAL');
  first.close();
  return openDatabase(connect);
}

function pathOf(url: string): string {
  return url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
}
