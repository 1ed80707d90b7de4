/**
 * Adds to the table what English texts have in common, found in collections (see README.md): `npm
 * run common -- FOLDER…`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { readCorpus } from '../../bench/retrieval/corpus.ts';
import { offlineEmbedding } from '../../src/models/offline/embedder.ts';
import {
  COMMON,
  packWordVectors,
  parseWordVectors,
  wordsOfTable,
} from '../../src/models/offline/word-vectors.ts';

/** Most texts of a collection, so that none outweighs the others. */
const MOST_TEXTS = 800;

const target = new URL('../../src/models/offline/word-vectors.bin', import.meta.url);
const bytes = new Uint8Array(await readFile(target));
const table = parseWordVectors(bytes);
const { dimensions } = table;

/** Returns the mean of vectors, with a length that makes its deviation that of a word. */
function meanOf(vectors: readonly ArrayLike<number>[]): number[] {
  const sum = Array.from({ length: dimensions }, (_, at) =>
    vectors.reduce((all, vector) => all + vector[at]!, 0),
  );
  const length = Math.hypot(...sum);
  return sum.map((value) => (value / length) * Math.sqrt(dimensions));
}

async function commonOf(folder: string): Promise<number[]> {
  const { documents } = await readCorpus(folder);
  const texts = documents.slice(0, MOST_TEXTS).map(({ title, text }) => `${title}\n${text}`);
  const meanings = texts.map((text) => offlineEmbedding(text, { table, isQuery: false }));
  return meanOf(
    meanings
      .map((vector) => vector.slice(-dimensions))
      .filter((vector) => vector.some((value) => value !== 0))
      .map((vector) => meanOf([vector])),
  );
}

const folders = process.argv.slice(2);
if (folders.length === 0) throw new Error('usage: npm run common -- FOLDER…');
const common = meanOf(await Promise.all(folders.map(commonOf)));
const words = wordsOfTable(bytes).filter(({ word }) => word !== COMMON);
await writeFile(
  target,
  packWordVectors(
    [...words.map(({ word }) => word), COMMON],
    [...words.map(({ vector }) => vector), common],
  ),
);
