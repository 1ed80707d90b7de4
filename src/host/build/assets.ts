// Collects the pages' files and the table of word vectors in `dist/assets`, which Workers serves as
// static assets, as does Node where it cannot build the chat itself. This is a script: run
// `node src/host/build/assets.ts [folder]` before wrangler.
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { WORD_VECTORS_ASSET, WORD_VECTORS_FILE } from '../word-vectors.ts';
import { assetName, FILES } from '../pages/files.ts';
import { readPageFile } from '../node/pages.ts';
import { buildWeb } from './web.ts';

const root = resolve(import.meta.dirname, '../../..');
const target = resolve(process.argv[2] ?? join(root, 'dist/assets'));

await rm(target, { recursive: true, force: true });
const files = await Promise.all(
  Object.entries(FILES).map(async ([path, file]) => [path, await readPageFile(file)] as const),
);
await Promise.all(
  [...files, ...(await buildWeb())].map(async ([path, text]) => {
    const copy = join(target, assetName(path));
    await mkdir(dirname(copy), { recursive: true });
    await writeFile(copy, text);
  }),
);

const table = join(target, WORD_VECTORS_ASSET);
await mkdir(dirname(table), { recursive: true });
await copyFile(resolve(root, WORD_VECTORS_FILE), table);
