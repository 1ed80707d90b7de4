/** Some chunks of a library, ready to be searched: built once, never changed. */
import { multiply, NO_CODE, type Code } from './codes.ts';
import { Postings, type Posting } from './postings.ts';

/** A chunk as it is remembered. */
export interface RememberedChunk {
  id: number;
  /** The place of its document in the library. */
  document: number;
  /** All its words, function words too. */
  length: number;
  /** Its terms in order, as numbers of the lexicon. */
  sequence: Int32Array;
  code: Code;
}

export class Segment {
  readonly ids: Float64Array;
  /** The place of each chunk's document. */
  readonly documents: Int32Array;
  readonly lengths: Int32Array;
  readonly #sequences: Int32Array;
  /** The end of each sequence. */
  readonly #ends: Uint32Array;
  readonly #dimension: number;
  readonly #codes: Int8Array;
  readonly #rests: Int8Array;
  readonly scales: Float32Array;
  readonly #postings: Postings;

  /** @param dimension of the vectors; all codes have it */
  constructor(chunks: readonly RememberedChunk[], lexiconSize: number, dimension: number) {
    this.ids = Float64Array.from(chunks, ({ id }) => id);
    this.documents = Int32Array.from(chunks, ({ document }) => document);
    this.lengths = Int32Array.from(chunks, ({ length }) => length);
    this.scales = Float32Array.from(chunks, ({ code }) => code.scale);
    this.#sequences = new Int32Array(
      chunks.reduce((sum, { sequence }) => sum + sequence.length, 0),
    );
    this.#ends = new Uint32Array(chunks.length);
    this.#dimension = dimension;
    this.#codes = new Int8Array(chunks.length * dimension);
    this.#rests = new Int8Array(chunks.length * dimension);
    let end = 0;
    chunks.forEach(({ sequence, code }, at) => {
      this.#sequences.set(sequence, end);
      end += sequence.length;
      this.#ends[at] = end;
      this.#codes.set(code.numbers, at * dimension);
      this.#rests.set(code.rest, at * dimension);
    });
    this.#postings = new Postings(
      chunks.map(({ sequence }) => sequence),
      lexiconSize,
    );
  }

  get size(): number {
    return this.ids.length;
  }

  get bytes(): number {
    const { ids, documents, lengths, scales } = this;
    const arrays = [ids, documents, lengths, scales, this.#sequences, this.#ends];
    const codes = this.#codes.byteLength + this.#rests.byteLength;
    return arrays.reduce((sum, { byteLength }) => sum + byteLength, codes + this.#postings.bytes);
  }

  sequenceOf(chunk: number): Int32Array {
    const from = chunk === 0 ? 0 : this.#ends[chunk - 1]!;
    return this.#sequences.subarray(from, this.#ends[chunk]);
  }

  chunksWith(term: number): Posting | undefined {
    return this.#postings.of(term);
  }

  /** Returns what each chunk's cosine with a question is nearly in proportion to. */
  products(question: Int8Array): Float32Array {
    const result = new Float32Array(this.size);
    multiply(this.#codes, question, result);
    for (let at = 0; at < result.length; at++) result[at]! *= this.scales[at]!;
    return result;
  }

  /** Returns the vector of a chunk as it is remembered. */
  codeOf(chunk: number): Code {
    const [from, to] = [chunk * this.#dimension, (chunk + 1) * this.#dimension];
    const [numbers, rest] = [this.#codes, this.#rests].map((codes) => codes.subarray(from, to));
    return numbers && rest ? { numbers, rest, scale: this.scales[chunk]! } : NO_CODE;
  }
}
