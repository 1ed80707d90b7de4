import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SEARCH_TABLES } from '../../../../src/store/search/tables.ts';

const plain = (sql: string) => sql.replace(/\s+/gu, ' ').trim().replace(/;$/u, '');

it('the migration makes the tables that the searches are written for', () => {
  const file = readFileSync('migrations/0002_search.sql', 'utf8').replace(/^--(?!>).*$/gmu, '');
  const statements = file.split('--> statement-breakpoint').map(plain);
  expect(statements).toEqual(SEARCH_TABLES.map(plain));
});
