/** A content that is deleted while it is read is said to be gone, and never read in part. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectFile } from '../../../../src/host/node/database/libsql-file.ts';
import { migrateFromFolder } from '../../../../src/host/node/database/open.ts';
import type { Database } from '../../../../src/store/database.ts';
import {
  addPieces,
  beginContent,
  BytesGone,
  dropContent,
  PIECE_SIZE,
  readContent,
} from '../../../../src/store/files/contents.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-contents-'));
const db = connectFile(`file:${join(folder, 'parley.db')}`);
const SIZE = 4 * PIECE_SIZE;

beforeAll(async () => {
  await migrateFromFolder(db);
  await beginContent(db, 'one');
  const pieces = Array.from({ length: 4 }, (_, at) => new Uint8Array(PIECE_SIZE).fill(at + 1));
  await addPieces(db, { contentId: 'one', first: 0, pieces });
});
afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

it('all of it, and then no part of it', async () => {
  const whole = await readContent(db, 'one', SIZE);
  expect([0, 1, 2, 3].map((at) => whole[at * PIECE_SIZE])).toEqual([1, 2, 3, 4]);
  let reads = 0;
  const deleting: Database = {
    ...db,
    async batch(...given: Parameters<Database['batch']>) {
      const results = await db.batch(...given);
      if (++reads === 1) await dropContent(db, 'one');
      return results;
    },
  };
  await expect(readContent(deleting, 'one', SIZE)).rejects.toThrow(BytesGone);
  expect(reads).toBe(2);
});
