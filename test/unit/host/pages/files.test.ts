/** The pages' files are there in every installation, also in one without development packages. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import manifest from '../../../../package.json' with { type: 'json' };
import { CMAPS, FILES, VENDORED } from '../../../../src/host/pages/files.ts';

describe('a page file', () => {
  it.each(Object.entries(FILES))(
    '%s is in this repository or in a package that is installed with it',
    (_, { file }) => {
      expect(readFileSync(file, 'utf8')).not.toBe('');
      const [, name] = /^node_modules\/([^/]+)/.exec(file) ?? [];
      if (name !== undefined) expect(Object.keys(manifest.dependencies)).toContain(name);
    },
  );

  it.each(Object.entries(VENDORED))(
    '%s is what its package has (else: npm run vendor)',
    (copy, original) => {
      expect(readFileSync(copy).equals(readFileSync(original))).toBe(true);
    },
  );
});

it('the tables of characters are what their package has (else: npm run vendor)', () => {
  const names = readdirSync(CMAPS.original);
  expect(readdirSync(CMAPS.copy).toSorted()).toEqual(names.toSorted());
  for (const name of names) {
    const copied = readFileSync(join(CMAPS.copy, name));
    expect(copied.equals(readFileSync(join(CMAPS.original, name))), name).toBe(true);
  }
});
