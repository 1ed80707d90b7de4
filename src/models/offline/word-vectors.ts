/**
 * The table of word vectors of the offline embedding model, as a file of bytes: a head, the
 * words from the most frequent on, one a line, and the vectors in 8 bits. `tools/word-vectors`
 * makes it; `word-vectors.NOTICE.md` names its sources.
 */

import { termOf } from '../../text/words.ts';

const MAGIC = 'PWV1';
/** Bytes of the head: the magic, then three numbers and a checksum of 4 bytes each. */
const HEAD = 20;
/** The value that 127 stands for. The deviation is 1; the few larger values are cut. */
const LARGEST = 5;

/**
 * The weight of the most frequent word is near nothing and grows with the logarithm of the rank, as
 * the information of a word does by Zipf's law.
 */
const RANK_OFFSET = 100;
const RANK_UNIT = 50;

/**
 * The name, which is no word, of the vector of what English texts have in common. It says nothing
 * of what one of them is about.
 */
export const COMMON = '*';

export interface WordVectors {
  dimensions: number;
  /**
   * Adds the vector of a word, times `factor` and the weight of the word, to `sum`. A form that the
   * table lacks has the vector of the most frequent word with its stem.
   * @returns the word's weight, and whether the table has it
   */
  add(word: string, factor: number, sum: Float64Array): { weight: number; isKnown: boolean };
}

/**
 * Reads a table.
 * @throws TypeError that says what is wrong with a damaged one
 */
export function parseWordVectors(bytes: Uint8Array): WordVectors {
  const { ranks, dimensions, numbers } = read(bytes);
  let ranksOfStems: Map<string, number> | undefined;
  const rarest = weightOf(ranks.size);
  return {
    dimensions,
    add(word, factor, sum) {
      const rank = ranks.get(word) ?? (ranksOfStems ??= byStem(ranks)).get(termOf(word));
      if (rank === undefined) return { weight: rarest, isKnown: false };
      const weight = weightOf(rank);
      const scale = (factor * weight * LARGEST) / 127;
      const from = rank * dimensions;
      for (let at = 0; at < dimensions; at++) sum[at]! += scale * numbers[from + at]!;
      return { weight, isKnown: true };
    },
  };
}

/** Returns the ranks of the most frequent words of each stem. */
function byStem(ranks: ReadonlyMap<string, number>): Map<string, number> {
  const result = new Map<string, number>();
  for (const [word, rank] of ranks) {
    const stem = termOf(word);
    if (!result.has(stem)) result.set(stem, rank);
  }
  return result;
}

function weightOf(rank: number): number {
  return Math.log((rank + RANK_OFFSET) / RANK_UNIT);
}

function read(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < HEAD || ascii(bytes.subarray(0, 4)) !== MAGIC)
    throw new TypeError('the table of word vectors is not one');
  const [count, dimensions, length] = [4, 8, 12].map((at) => view.getUint32(at, true)) as [
    number,
    number,
    number,
  ];
  if (bytes.length !== HEAD + length + count * dimensions)
    throw new TypeError('the table of word vectors is cut off');
  if (checksum(bytes.subarray(HEAD)) !== view.getUint32(16, true))
    throw new TypeError('the table of word vectors is damaged');
  const words = ascii(bytes.subarray(HEAD, HEAD + length)).split('\n');
  const ranks = new Map(words.map((word, rank) => [word, rank]));
  const numbers = new Int8Array(bytes.buffer, bytes.byteOffset + HEAD + length, count * dimensions);
  return { ranks, dimensions, numbers };
}

/**
 * Returns the words of a table with their vectors, the most frequent first.
 * @throws TypeError as {@link parseWordVectors} does
 */
export function wordsOfTable(bytes: Uint8Array): { word: string; vector: number[] }[] {
  const { ranks, dimensions, numbers } = read(bytes);
  return [...ranks].map(([word, rank]) => {
    const codes = numbers.subarray(rank * dimensions, (rank + 1) * dimensions);
    return { word, vector: Array.from(codes, (code) => (code * LARGEST) / 127) };
  });
}

/**
 * Writes a table.
 * @param words the most frequent first, in ASCII
 * @param vectors one for each, with a deviation of 1
 */
export function packWordVectors(
  words: readonly string[],
  vectors: readonly ArrayLike<number>[],
): Uint8Array {
  const dimensions = vectors[0]?.length ?? 0;
  const text = new TextEncoder().encode(words.join('\n'));
  const bytes = new Uint8Array(HEAD + text.length + words.length * dimensions);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  [words.length, dimensions, text.length].forEach((value, at) =>
    view.setUint32(4 + 4 * at, value, true),
  );
  bytes.set(text, HEAD);
  vectors.forEach((vector, at) => {
    const from = HEAD + text.length + at * dimensions;
    for (let place = 0; place < dimensions; place++)
      view.setInt8(from + place, rounded(vector[place]!));
  });
  view.setUint32(16, checksum(bytes.subarray(HEAD)), true);
  return bytes;
}

function rounded(value: number): number {
  return Math.max(-127, Math.min(127, Math.round((value / LARGEST) * 127)));
}

function ascii(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}

/** FNV-1a over bytes. */
function checksum(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
