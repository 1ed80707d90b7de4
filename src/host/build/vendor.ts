// Copies what is used of two large packages into the repository: the one file of redoc that is
// served, and the tables of characters of pdfjs-dist. As dependencies, the packages would install
// 150 MB that nothing here uses. This is a script: run `npm run vendor` after one was updated.
import { copyFile, cp } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CMAPS, VENDORED } from '../pages/files.ts';

const root = resolve(import.meta.dirname, '../../..');

for (const [copy, original] of Object.entries(VENDORED))
  await copyFile(resolve(root, original), resolve(root, copy));

await cp(resolve(root, CMAPS.original), resolve(root, CMAPS.copy), { recursive: true });
