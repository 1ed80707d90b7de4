// Collects the pages' files, the table of word vectors and the migrations in `dist/assets`, which
// Workers serves as static assets, as does Node where it cannot build the chat itself. This is a
// script: run `node src/host/build/assets.ts [folder]` before wrangler.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MIGRATIONS_ASSET } from '../migrations.ts';
import { WORD_VECTORS_ASSET, WORD_VECTORS_FILE } from '../word-vectors.ts';
import { assetName, FILES } from '../pages/files.ts';
import { readMigrations } from '../node/database/open.ts';
import { readPageFile } from '../node/pages.ts';
import { buildWeb } from './web.ts';

const root = resolve(import.meta.dirname, '../../..');
const target = resolve(process.argv[2] ?? join(root, 'dist/assets'));

const files = await Promise.all(
  Object.entries(FILES).map(async ([path, file]) => [path, await readPageFile(file)] as const),
);
const pages = [...files, ...(await buildWeb())].map(
  ([path, content]) => [assetName(path), content] as const,
);
const table = [WORD_VECTORS_ASSET, await readFile(resolve(root, WORD_VECTORS_FILE))] as const;
const migrations = [MIGRATIONS_ASSET, JSON.stringify(await readMigrations())] as const;
const made = new Map(
  [...pages, table, migrations].map(([name, content]) => [join(target, name), content]),
);
await Promise.all([...made].map(([path, content]) => replaceFile(path, content)));
await removeOthers();

/** Replaces a file at once: a server that runs may read it while it is built anew. */
async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, content);
  await rename(unfinished, path);
}

/** Removes what an earlier build has left. The folder itself stays, since a server may use it. */
async function removeOthers(): Promise<void> {
  const found = await readdir(target, { recursive: true, withFileTypes: true });
  const old = found
    .filter((entry) => entry.isFile() && !/\.\d+$/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => !made.has(path));
  await Promise.all(old.map((path) => rm(path, { force: true })));
}
