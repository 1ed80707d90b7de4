/**
 * Represents candidates as weighted bags of terms, for scoring, feedback and the search for
 * duplicates. Everything is computed from the owner's own chunks.
 */

import { contentTerm, termOf, words } from '../text/words.ts';

/** BM25's saturation and length normalisation, with the values of FTS5. */
export const SATURATION = 1.2;
const LENGTH_WEIGHT = 0.75;

/**
 * Candidates were chosen because they match, so a term that is common among them need not be common
 * in the owner's texts. They are therefore treated as half of a collection whose other half lacks
 * their terms, if the owner has that many chunks.
 */
const BACKGROUND_FACTOR = 2;

export interface CandidateText {
  title: string;
  text: string;
}

export interface CollectionStatistics {
  /** Number of this owner's chunks. */
  chunks: number;
  /** The number of chunks that contain each query term, by stem. */
  frequencies: ReadonlyMap<string, number>;
}

export interface TermBag {
  /** Content terms in order, as indexes into the vocabulary. */
  sequence: Int32Array;
  /** Distinct terms, and the weight of each in the chunk. */
  terms: Int32Array;
  weights: Float64Array;
  /** Euclidean length of the weights; 1 for an empty chunk. */
  norm: number;
  /** The chunk's part k1·(1−b+b·length/average) of the denominator in tf/(tf+k). */
  saturation: number;
}

export interface CandidateSet {
  vocabulary: ReadonlyMap<string, number>;
  /** Inverse document frequency by vocabulary index. */
  rarity: Float64Array;
  bags: TermBag[];
}

/** Returns BM25's weight of a term that occurs `count` times, without its rarity. */
export function saturated(count: number, saturation: number): number {
  return (count * (SATURATION + 1)) / (count + saturation);
}

function inverseFrequency(chunks: number, frequency: number): number {
  return Math.log(1 + (Math.max(chunks - frequency, 0) + 0.5) / (frequency + 0.5));
}

/** Returns the content terms of a candidate, or all its terms if they are all function words. */
function termsOf({ title, text }: CandidateText): string[] {
  const all = words(`${title}\n${text}`);
  const content: string[] = [];
  for (const word of all) {
    const term = contentTerm(word);
    if (term !== null) content.push(term);
  }
  return content.length > 0 ? content : all.map(termOf);
}

function sequences(candidates: CandidateText[], vocabulary: Map<string, number>): Int32Array[] {
  return candidates.map((candidate) => {
    const terms = termsOf(candidate);
    const sequence = new Int32Array(terms.length);
    for (let at = 0; at < terms.length; at++) {
      const term = terms[at]!;
      let index = vocabulary.get(term);
      if (index === undefined) vocabulary.set(term, (index = vocabulary.size));
      sequence[at] = index;
    }
    return sequence;
  });
}

function countTerms(sequence: Int32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const term of sequence) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}

function weigh(
  sequence: Int32Array,
  counts: Map<number, number>,
  rarity: Float64Array,
  averageLength: number,
): TermBag {
  const relative = sequence.length / (averageLength || 1);
  const saturation = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * relative);
  const terms = Int32Array.from(counts.keys());
  const weights = new Float64Array(terms.length);
  let squares = 0;
  terms.forEach((term, at) => {
    const weight = (rarity[term] ?? 0) * saturated(counts.get(term) ?? 0, saturation);
    weights[at] = weight;
    squares += weight * weight;
  });
  return { sequence, terms, weights, norm: Math.sqrt(squares) || 1, saturation };
}

/**
 * Weights the terms of each candidate by BM25 (Robertson and Zaragoza, "The probabilistic relevance
 * framework: BM25 and beyond", 2009). Rarity comes from the owner's own chunks: exact for the
 * query's terms, estimated from the candidates for all others.
 */
export function candidateSet(
  candidates: CandidateText[],
  statistics: CollectionStatistics,
): CandidateSet {
  const vocabulary = new Map<string, number>();
  const lists = sequences(candidates, vocabulary);
  const counts = lists.map(countTerms);
  const frequency = new Float64Array(vocabulary.size);
  for (const bag of counts) for (const term of bag.keys()) frequency[term]! += 1;
  const collection = Math.max(statistics.chunks, candidates.length);
  const background = Math.min(collection, BACKGROUND_FACTOR * candidates.length);
  const rarity = frequency.map((count) => inverseFrequency(background, count));
  for (const [term, count] of statistics.frequencies) {
    const index = vocabulary.get(term);
    if (index !== undefined) rarity[index] = inverseFrequency(collection, count);
  }
  const total = lists.reduce((sum, list) => sum + list.length, 0);
  const average = total / (lists.length || 1);
  const bags = lists.map((list, at) => weigh(list, counts[at] ?? new Map(), rarity, average));
  return { vocabulary, rarity, bags };
}

/**
 * Returns the cosine of every candidate with each of `columns` (indexes of candidates), row by row
 * (candidates × columns).
 */
export function similarities({ vocabulary, bags }: CandidateSet, columns: number[]): Float32Array {
  const places: number[][] = Array.from({ length: vocabulary.size }, () => []);
  const shares: number[][] = Array.from({ length: vocabulary.size }, () => []);
  columns.forEach((at, column) => {
    const { terms, weights, norm } = bags[at]!;
    for (let place = 0; place < terms.length; place++) {
      places[terms[place]!]!.push(column);
      shares[terms[place]!]!.push(weights[place]! / norm);
    }
  });
  const result = new Float32Array(bags.length * columns.length);
  bags.forEach(({ terms, weights, norm }, at) => {
    const row = result.subarray(at * columns.length, (at + 1) * columns.length);
    for (let place = 0; place < terms.length; place++) {
      const list = places[terms[place]!]!;
      const share = shares[terms[place]!]!;
      const weight = weights[place]! / norm;
      for (let index = 0; index < list.length; index++)
        row[list[index]!]! += weight * share[index]!;
    }
  });
  return result;
}
