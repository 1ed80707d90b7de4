/** Finds the candidates of a search in a library in memory, as the statements of a search do. */
import { SATURATION, LENGTH_WEIGHT } from '../candidates.ts';
import { Best } from './best.ts';
import { codeOf, cosineOf, unitOf } from './codes.ts';
import type { Library } from './library.ts';
import type { Segment } from './segment.ts';

/** A chunk by its place: the number of its segment, and its place in that. */
export interface Found {
  id: number;
  segment: Segment;
  chunk: number;
  score: number;
}

interface WordQuery {
  /** Stems, each as often as words of the query have it. */
  terms: readonly string[];
  /** 1 at the place of each document that may be found. */
  scope: Uint8Array;
  limit: number;
}

export interface WordCandidates {
  found: Found[];
  /** In how many chunks of the whole library each term occurs. */
  frequencies: Map<string, number>;
}

/** FTS5 gives no word less than this: one in more than half of the chunks would have less. */
const LEAST_RARITY = 1e-6;

/** Finds the best chunks by BM25, with the library's own statistics and FTS5's constants. */
export function findByWords(library: Library, { terms, scope, limit }: WordQuery): WordCandidates {
  const segments = library.segments();
  const scores = segments.map(({ size }) => new Float64Array(size));
  const average = averageLength(segments, library.live);
  const frequencies = new Map<string, number>();
  for (const term of terms) {
    const number = library.lexicon.numberOf(term);
    const frequency = frequencies.get(term) ?? countChunks(segments, number, library.live);
    frequencies.set(term, frequency);
    if (frequency > 0)
      segments.forEach((segment, at) =>
        addScores(segment, number, scores[at]!, { average, rarity: rarityOf(frequency, library) }),
      );
  }
  return { found: bestOf(segments, scores, { scope, limit, above: 0 }), frequencies };
}

function rarityOf(frequency: number, { liveChunks }: Library): number {
  return Math.max(Math.log((liveChunks - frequency + 0.5) / (frequency + 0.5)), LEAST_RARITY);
}

function averageLength(segments: readonly Segment[], live: Uint8Array): number {
  let [count, sum] = [0, 0];
  for (const { documents, lengths } of segments)
    for (let at = 0; at < lengths.length; at++) {
      if (live[documents[at]!] !== 1) continue;
      count++;
      sum += lengths[at]!;
    }
  return sum / (count || 1) || 1;
}

function countChunks(segments: readonly Segment[], term: number, live: Uint8Array): number {
  let count = 0;
  for (const segment of segments) {
    const posting = segment.chunksWith(term);
    if (!posting) continue;
    for (const chunk of posting.chunks) count += live[segment.documents[chunk]!]!;
  }
  return count;
}

function addScores(
  segment: Segment,
  term: number,
  scores: Float64Array,
  { average, rarity }: { average: number; rarity: number },
): void {
  const posting = segment.chunksWith(term);
  if (!posting) return;
  const { chunks, counts } = posting;
  for (let at = 0; at < chunks.length; at++) {
    const chunk = chunks[at]!;
    const count = counts[at]!;
    const relative = segment.lengths[chunk]! / average;
    const saturation = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * relative);
    scores[chunk]! += (rarity * count * (SATURATION + 1)) / (count + saturation);
  }
}

/**
 * The first codes choose so many times the candidates, of which the cosines choose: on Cranfield,
 * the best hundred are always among the best hundred and fifty.
 */
const SPARE = 2;

/** Finds the chunks whose vectors are nearest, nearest first; a score is a cosine. */
export function findByVector(
  library: Library,
  { vector, scope, limit }: { vector: readonly number[]; scope: Uint8Array; limit: number },
): Found[] {
  const segments = library.segments();
  const { numbers } = codeOf(vector);
  const scores = segments.map((segment) => segment.products(numbers));
  // A chunk without a vector is not found.
  scores.forEach((list, at) =>
    segments[at]!.scales.forEach((scale, chunk) => {
      if (scale === 0) list[chunk] = -Infinity;
    }),
  );
  const unit = unitOf(vector);
  return bestOf(segments, scores, { scope, limit: SPARE * limit, above: -Infinity })
    .map((found) => ({ ...found, score: cosineOf(unit, found.segment.codeOf(found.chunk)) }))
    .sort((a, b) => b.score - a.score || a.id - b.id)
    .slice(0, limit);
}

function bestOf(
  segments: readonly Segment[],
  scores: readonly (Float32Array | Float64Array)[],
  { scope, limit, above }: { scope: Uint8Array; limit: number; above: number },
): Found[] {
  const best = new Best(limit);
  let base = 0;
  segments.forEach(({ documents, size }, at) => {
    const list = scores[at]!;
    for (let chunk = 0; chunk < size; chunk++) {
      const score = list[chunk]!;
      if (score > above && scope[documents[chunk]!] === 1) best.add(base + chunk, score);
    }
    base += size;
  });
  return best.sorted().map(({ place, score }) => foundAt(segments, place, score));
}

function foundAt(segments: readonly Segment[], place: number, score: number): Found {
  let chunk = place;
  for (const segment of segments) {
    if (chunk < segment.size) return { id: segment.ids[chunk]!, segment, chunk, score };
    chunk -= segment.size;
  }
  throw new RangeError(`no chunk has the place ${place}`);
}
