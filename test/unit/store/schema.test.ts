/**
 * Every table is either in the list by which users' data is exported and deleted, or declared as
 * nobody's: a table that is forgotten would keep what a user had deleted.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getTableName, is } from 'drizzle-orm';
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { afterAll, expect, it } from 'vitest';
import { connectFile } from '../../../src/host/node/database/libsql-file.ts';
import { migrateFromFolder } from '../../../src/host/node/database/open.ts';
import { text } from '../../../src/store/rows.ts';
import * as schema from '../../../src/store/schema.ts';
import { chunkCodes, chunks, chunkVectors, owners } from '../../../src/store/search/tables.ts';
import { OF_NOBODY, USER_TABLES, WORD_INDEXES } from '../../../src/store/user-data/tables.ts';

const folder = mkdtempSync(join(tmpdir(), 'parley-schema-'));
const file = connectFile(`file:${join(folder, 'parley.db')}`);
afterAll(() => {
  file.close();
  rmSync(folder, { recursive: true, force: true });
});

const listed = USER_TABLES.map(({ table }) => getTableName(table));
const known = [...listed, ...WORD_INDEXES, ...Object.keys(OF_NOBODY)];

it('knows of every table that the migrations make whose it is', async () => {
  await migrateFromFolder(file);
  const sql = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`;
  const [tables] = await file.batch([{ sql, args: [] }], 'read');
  const made = tables?.values.map(([name]) => text(name)) ?? [];
  expect(made.length).toBeGreaterThan(30);
  // An index of words keeps its pages in tables of its own.
  const own = made.filter((name) => !/^chunk_words_\d+_/u.test(name));
  expect(own.filter((name) => !known.includes(name))).toEqual([]);
  expect(known.filter((name) => !own.includes(name))).toEqual([]);
  expect(new Set(known).size).toBe(known.length);
});

it('names the whole primary key of each, and the column that says whose it is', () => {
  const declared = { ...schema, owners, chunks, chunkVectors, chunkCodes };
  const tables = Object.values<unknown>(declared).filter((value) => is(value, SQLiteTable));
  for (const table of tables) {
    const { name, columns, primaryKeys } = getTableConfig(table);
    const entry = USER_TABLES.find((each) => each.table === table);
    if (!entry) {
      expect(columns.map((column) => column.name)).not.toContain('user_id');
      continue;
    }
    const key = primaryKeys[0]?.columns ?? columns.filter((column) => column.primary);
    const names = (given: readonly { name: string }[]) => given.map((column) => column.name);
    expect(names(entry.id), name).toEqual(names(key));
    const all = Object.keys(table);
    for (const hidden of entry.hidden ?? []) expect(all, name).toContain(hidden);
  }
});
