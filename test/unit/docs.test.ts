/**
 * The pages for whoever works on parley are true: what they name exists, and their lines are short.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from '../support/places.ts';

const PAGES = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'AGENTS.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'docs/glossary.md',
  'docs/guide.md',
  'docs/page.md',
];

const MOST_COLUMNS = 100;

const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** Returns what stands in a text by a pattern with one group, each once. */
function found(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))];
}

describe.each(PAGES)('%s', (page) => {
  const text = readFileSync(join(repository, page), 'utf8');

  it('names only paths that exist', () => {
    const folders = /(?<![\w/.-])((?:src|test|bench|docs|lint|migrations|\.ci)\/[\w./-]*\w)/gu;
    const missing = found(text, folders).filter((path) => !existsSync(join(repository, path)));
    expect(missing).toEqual([]);
  });

  it('links only to pages that exist', () => {
    const links = found(text, /\]\((?!https?:)([^)#]+)/gu);
    const missing = links.filter((link) => !existsSync(resolve(repository, dirname(page), link)));
    expect(missing).toEqual([]);
  });

  it('names only commands that exist', () => {
    const missing = found(text, /npm run\s+([\w:]+)/gu).filter((name) => !(name in scripts));
    expect(missing).toEqual([]);
  });

  it(`has no line of more than ${MOST_COLUMNS} columns, but for rows of tables`, () => {
    const long = text.split('\n').filter((line) => line.length > MOST_COLUMNS && line[0] !== '|');
    expect(long).toEqual([]);
  });
});

it('is linked from the README, each page', () => {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  for (const page of PAGES.slice(1)) expect(readme).toContain(`](${page})`);
});
