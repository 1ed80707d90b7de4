/**
 * Lists the chunks of a segment that contain each term, and how often: an inverted index that is
 * built once.
 */

import { countTerms } from '../term-counts.ts';

export interface Posting {
  /** Places of chunks in the segment, ascending. */
  chunks: Uint32Array;
  /** The number of times that the term occurs in each. */
  counts: Uint16Array;
}

const MOST_COUNTED = 65_535;

export class Postings {
  /** The terms of the segment, ascending. */
  readonly #terms: Int32Array;
  /** The beginning of each term's list; one more than there are terms. */
  readonly #starts: Uint32Array;
  readonly #chunks: Uint32Array;
  readonly #counts: Uint16Array;

  /** @param lexiconSize one more than the greatest number of a term */
  constructor(sequences: readonly Int32Array[], lexiconSize: number) {
    const lists = countTerms(sequences, lexiconSize);
    const frequency = new Uint32Array(lexiconSize);
    for (const { terms } of lists) for (const term of terms) frequency[term]! += 1;
    this.#terms = Int32Array.from(presentIn(frequency));
    this.#starts = new Uint32Array(this.#terms.length + 1);
    const next = new Uint32Array(lexiconSize);
    let total = 0;
    this.#terms.forEach((term, row) => {
      next[term] = total;
      total += frequency[term]!;
      this.#starts[row + 1] = total;
    });
    this.#chunks = new Uint32Array(total);
    this.#counts = new Uint16Array(total);
    lists.forEach(({ terms, counts }, chunk) => {
      for (let at = 0; at < terms.length; at++) {
        const place = next[terms[at]!]!++;
        this.#chunks[place] = chunk;
        this.#counts[place] = Math.min(counts[at]!, MOST_COUNTED);
      }
    });
  }

  get bytes(): number {
    const arrays = [this.#terms, this.#starts, this.#chunks, this.#counts];
    return arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  of(term: number): Posting | undefined {
    const row = rowOf(this.#terms, term);
    if (row < 0) return undefined;
    const [from, to] = [this.#starts[row], this.#starts[row + 1]];
    return { chunks: this.#chunks.subarray(from, to), counts: this.#counts.subarray(from, to) };
  }
}

function* presentIn(frequency: Uint32Array): Generator<number> {
  for (let term = 0; term < frequency.length; term++) if (frequency[term]! > 0) yield term;
}

/** Finds a term in ascending terms; -1 where it is not. */
function rowOf(terms: Int32Array, wanted: number): number {
  let [low, high] = [0, terms.length - 1];
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const term = terms[middle]!;
    if (term === wanted) return middle;
    if (term < wanted) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
