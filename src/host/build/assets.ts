// Collects the pages' files and the table of word vectors in `dist/assets`, which Workers serves as
// static assets. This is a script: run `node src/host/build/assets.ts` before wrangler.
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { WORD_VECTORS_ASSET, WORD_VECTORS_FILE } from '../word-vectors.ts';
import { assetName, FILES } from '../pages/files.ts';
import { readPageFile } from '../node/pages.ts';

const target = resolve(import.meta.dirname, '../../../dist/assets');

await rm(target, { recursive: true, force: true });
await Promise.all(
  Object.entries(FILES).map(async ([path, file]) => {
    const copy = join(target, assetName(path));
    await mkdir(dirname(copy), { recursive: true });
    await writeFile(copy, await readPageFile(file));
  }),
);

const table = join(target, WORD_VECTORS_ASSET);
await mkdir(dirname(table), { recursive: true });
await copyFile(resolve(target, '../..', WORD_VECTORS_FILE), table);
