import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { about } from '../../../../src/routes/shared/version.ts';
import { repository } from '../../../support/places.ts';

it('is the name and the version of the package', () => {
  const manifest: unknown = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  expect(manifest).toMatchObject(about);
});
