/** A table of word vectors that is missing or damaged. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { wordEmbedder } from '../../../../src/models/offline/local-embedders.ts';
import { lazyWordTable } from '../../../../src/models/offline/word-table.ts';
import { packWordVectors, parseWordVectors } from '../../../../src/models/offline/word-vectors.ts';

const file = new URL('../../../../src/models/offline/word-vectors.bin', import.meta.url);
const bytes = readFileSync(file);

const flipped = Uint8Array.from(bytes);
flipped[bytes.length - 1_000]! ^= 1;

it.each([
  ['cut off', bytes.subarray(0, bytes.length - 1)],
  ['empty', new Uint8Array()],
  ['something else', new TextEncoder().encode('<!doctype html><p>Not found</p>')],
  ['damaged by one bit', flipped],
])('is told and done without where it is %s', async (_, damaged) => {
  const told: unknown[] = [];
  const table = lazyWordTable(
    () => Promise.resolve(damaged),
    (error) => told.push(error),
  );
  const embedder = wordEmbedder(table);
  expect(await embedder.isWhole()).toBe(false);
  const limits = { callMs: 1, pausesMs: 0 };
  const [vector] = await embedder.embed(['money back'], { use: 'query', limits });
  expect(Math.hypot(...vector!)).toBeCloseTo(1);
  expect(told).toEqual([expect.any(TypeError)]);
});

it('gives back what was packed', () => {
  const table = parseWordVectors(
    packWordVectors(
      ['cat', 'dog'],
      [
        [1, -2],
        [0.5, 9],
      ],
    ),
  );
  const sum = new Float64Array(2);
  expect(table.add('dogs', 1, sum).isKnown).toBe(true);
  expect(table.add('horse', 1, sum).isKnown).toBe(false);
  const weight = Math.log(101 / 50);
  expect(sum[0]! / weight).toBeCloseTo(0.5, 1);
  expect(sum[1]! / weight).toBeCloseTo(5, 1);
});
