// Copies the one file of redoc that is served into the repository: as a dependency, redoc would
// install 75 MB that nothing here uses. This is a script: run `node src/host/build/vendor.ts` after
// redoc was updated.
import { copyFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { VENDORED } from '../pages/files.ts';

const root = resolve(import.meta.dirname, '../../..');

for (const [copy, original] of Object.entries(VENDORED))
  await copyFile(resolve(root, original), resolve(root, copy));
