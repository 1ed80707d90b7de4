import { expect, it } from 'vitest';
import { statementsOf } from '../../../../src/host/backup/sql-statements.ts';

const statements = [
  'PRAGMA foreign_keys=OFF',
  "INSERT INTO a VALUES('it''s; -- no \"end\"',\n';')",
  'CREATE TABLE `b;` ("x;y" TEXT) -- don\'t; stop\n, z',
  "INSERT INTO c VALUES('--', 1 - -1, x'00')",
  'CREATE TRIGGER d AFTER INSERT ON c BEGIN UPDATE c SET x = CASE WHEN 1 THEN 2 END; SELECT 1;\nEND',
  'PRAGMA writable_schema=OFF',
];

async function* cut(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

it.each([1, 2, 3, 7, 1_000])(
  'a dump that arrives in pieces of %i is cut at its ends',
  async (size) => {
    const dump = `${statements.join(';\n')};\n`;
    const found: string[] = [];
    for await (const statement of statementsOf(cut(dump, size))) found.push(statement);
    expect(found).toEqual(statements);
  },
);

it('what comes behind the last end is a statement too', async () => {
  const found: string[] = [];
  for await (const statement of statementsOf(cut('SELECT 1; SELECT 2', 3))) found.push(statement);
  expect(found).toEqual(['SELECT 1', 'SELECT 2']);
});
