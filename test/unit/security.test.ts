/** SECURITY.md: each threat has a test, and that test is run. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const repository = join(import.meta.dirname, '../..');
const text = readFileSync(join(repository, 'SECURITY.md'), 'utf8');
const cases = readFileSync(join(repository, 'test/faults/cases.ts'), 'utf8');
/** The rows of the threats: what it is called, what stands against it, and the tests. */
const rows = text.split('\n').filter((line) => /^\| (API|LLM)\d+ /u.test(line));

it('has all threats of both lists', () => {
  const names = rows.map((row) => /^\| (\w+)/u.exec(row)?.[1]);
  const numbers = Array.from({ length: 10 }, (_, at) => at + 1);
  const expected = [
    ...numbers.map((number) => `API${number}`),
    ...numbers.map((number) => `LLM${String(number).padStart(2, '0')}`),
  ];
  expect(names).toEqual(expected);
});

describe.each(rows.map((row) => [row.slice(2, 60), row]))('%s', (_, row) => {
  const tests = [...(row.split('|')[3] ?? '').matchAll(/`([^`]+)`/gu)].map(([, path = '']) => path);

  it('is held by tests that are there, and that a project runs', () => {
    expect(tests).not.toEqual([]);
    for (const path of tests) {
      expect(existsSync(join(repository, path)), path).toBe(true);
      const isRun = /^test\/(unit|host|suite)\/.+\.test\.ts$/u.test(path);
      const name = path.replace('test/faults/', './');
      expect(isRun || cases.includes(`from '${name}'`), `${path} is run`).toBe(true);
      const source = readFileSync(join(repository, path), 'utf8');
      expect(source, path).not.toMatch(/\b(it|describe)\.(skip|todo)\b/u);
    }
  });
});
