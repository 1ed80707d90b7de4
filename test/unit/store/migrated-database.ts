/** A database of its own for the tests of a file. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { connectFile } from '../../../src/host/node/database/libsql-file.ts';
import { migrateFromFolder } from '../../../src/host/node/database/open.ts';
import type { Database } from '../../../src/store/database.ts';

/** Returns a database that is migrated before the tests of the file, and removed after them. */
export function migratedDatabase(): Database {
  const folder = mkdtempSync(join(tmpdir(), 'parley-unit-'));
  const db = connectFile(`file:${join(folder, 'parley.db')}`);
  beforeAll(() => migrateFromFolder(db));
  afterAll(() => {
    db.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return db;
}
