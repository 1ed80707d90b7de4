/**
 * The chat as it is built: how much a browser loads before the first question, and in which words.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildWeb } from '../../../../src/host/build/web.ts';
import {
  languageFor,
  LANGUAGES,
  preferredLanguage,
} from '../../../../src/routes/shared/languages.ts';

/** Bytes after gzip of all scripts that load with the page. */
const FIRST_SCRIPTS = 25 * 1024;
/** The same of everything that a reader may come to, with plots; without colours of code. */
const ALL_SCRIPTS = 50 * 1024;

let files: Map<string, string>;
beforeAll(async () => {
  files = await buildWeb();
});

/** The scripts that load with a page, and those that they import at once. */
function firstScripts(page: string): string[] {
  const named = [
    ...page.matchAll(/<(?:script|link rel="modulepreload")[^>]+"(\/assets\/[^"]+)"/gu),
  ];
  const found = new Set(named.map(([, path = '']) => path));
  for (const path of found)
    for (const [, name] of files.get(path)?.matchAll(/(?:from|import)"\.\/([\w.-]+)"/gu) ?? [])
      found.add(`/assets/${name}`);
  return [...found];
}

describe.each(LANGUAGES)('the page in %s', (language) => {
  const path = language === 'en' ? '/' : `/${language}`;

  it('loads at most 25 KB of scripts, gzipped, and names each of them', () => {
    const page = files.get(path) ?? '';
    const scripts = firstScripts(page);
    const bytes = scripts.reduce((sum, name) => sum + gzipSync(files.get(name) ?? '').length, 0);
    expect(scripts.length).toBeGreaterThan(0);
    expect(scripts.filter((name) => !files.has(name))).toEqual([]);
    expect(scripts.filter((name) => !page.includes(name))).toEqual([]);
    expect(bytes).toBeGreaterThan(2_000);
    expect(bytes).toBeLessThanOrEqual(FIRST_SCRIPTS);
  });

  it('loads at most 50 KB in all, whatever is opened', () => {
    const others = LANGUAGES.filter((one) => one !== language).map((one) => `/assets/${one}-`);
    const scripts = [...files.keys()].filter(
      (name) =>
        name.endsWith('.js') &&
        !['/assets/highlight-', ...others].some((one) => name.startsWith(one)),
    );
    const bytes = scripts.reduce((sum, name) => sum + gzipSync(files.get(name) ?? '').length, 0);
    expect(scripts.length).toBeGreaterThan(firstScripts(files.get(path) ?? '').length);
    expect(bytes).toBeLessThanOrEqual(ALL_SCRIPTS);
  });

  it('says in which language it is', () => {
    expect(files.get(path)).toContain(`<html lang="${language}">`);
  });
});

it('has a file of words for each language, and all say the same things', () => {
  const names = readdirSync('web/languages').map((name) => name.replace('.json', ''));
  expect(names.toSorted()).toEqual([...LANGUAGES].toSorted());
  const [standard, ...others] = LANGUAGES.map((language) =>
    Object.keys(JSON.parse(readFileSync(`web/languages/${language}.json`, 'utf8'))),
  );
  for (const keys of others) expect(keys).toEqual(standard);
});

it('sends no words to scripts that stand in the page alone', () => {
  const [path = ''] = [...files.keys()].filter((name) => /^\/assets\/en-\w+\.js$/u.test(name));
  const script = files.get(path);
  expect(script).toContain('The answer is complete.');
  expect(script).not.toContain('What would you like to know?');
  expect(files.get('/')).toContain('What would you like to know?');
});

it('is shown in the language that was chosen, where there is one', () => {
  expect(languageFor('a=b; parley_language=de', 'en')).toBe('de');
  expect(languageFor('parley_language=xx', 'de')).toBe('de');
  expect(languageFor(undefined, 'de')).toBe('de');
});

it.each([
  [undefined, 'en'],
  ['', 'en'],
  ['de-CH, de;q=0.9, en;q=0.5', 'de'],
  ['fr, en;q=0.4, DE;q=0.8', 'de'],
  ['de;q=0, en', 'en'],
  ['xx', 'en'],
  [',;q=,', 'en'],
])('is shown to a reader of %j in %s', (accepted, language) => {
  expect(preferredLanguage(accepted)).toBe(language);
});
