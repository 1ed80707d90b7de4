/**
 * An embedding model that knows the judgements, except for some noise. It shows how fusion uses a
 * model that is better than the offline one, and says nothing about any real model.
 */

import { OFFLINE_DIMENSIONS } from '../../src/models/offline/embedder.ts';
import type { Corpus } from './corpus.ts';

/**
 * Creates a Mulberry32 generator from a text: the same direction for the same text in every run.
 */
function generator(text: string): () => number {
  let state = 0x811c9dc5;
  for (let at = 0; at < text.length; at++)
    state = Math.imul(state ^ text.charCodeAt(at), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

function unit(vector: number[]): number[] {
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}

function randomDirection(text: string): number[] {
  const random = generator(text);
  return unit(
    Array.from({ length: OFFLINE_DIMENSIONS }, () => random() + random() + random() - 1.5),
  );
}

export interface Oracle {
  document(id: string): number[];
  query(id: string): number[];
}

/**
 * Creates the oracle. Documents have random directions; a query has that of the documents that
 * answer it, plus a random vector `noise` times as long.
 */
export function oracle({ judgements }: Corpus, noise: number): Oracle {
  const document = (id: string) => randomDirection(`document ${id}`);
  return {
    document,
    query(id) {
      const answers = [...(judgements.get(id) ?? [])].map(([of, gain]) => ({ gain, of }));
      const sum = randomDirection('').fill(0);
      for (const { of, gain } of answers)
        document(of).forEach((value, at) => (sum[at]! += gain * value));
      const blur = randomDirection(`query ${id}`);
      return unit(unit(sum).map((value, at) => value + noise * blur[at]!));
    },
  };
}
