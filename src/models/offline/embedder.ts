/**
 * The `offline` embedding model: hashes features of a text, with no download, no network and no
 * state, and the same result in every process. It knows word forms and spelling, but nothing of the
 * world: "reimbursement" and "reimbursment" find "reimbursed", "money back" does not.
 */

import type { EmbeddingModelV4, EmbeddingModelV4CallOptions } from '@ai-sdk/provider';

import { fnv1a } from '../../core/hash.ts';
import { contentTerms, words } from '../../text/words.ts';

/** Two rows of 4-byte numbers fill a database page of 4096 bytes. */
export const OFFLINE_DIMENSIONS = 480;

/** Coordinates that each feature changes: few, as in Achlioptas' sparse projections. */
const COORDINATES = 4;
const GRAM = 4;
/** Weight of all character n-grams of a word together, relative to the word. */
const GRAM_SHARE = 0.7;

/** Hashes with FNV-1a and the final mix of MurmurHash3, which spreads short, similar strings. */
function hash(text: string): number {
  let value = fnv1a(text);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}

interface Feature {
  count: number;
  weight: number;
}

function count(features: Map<string, Feature>, name: string, weight: number): void {
  const feature = features.get(name);
  if (feature) feature.count++;
  else features.set(name, { count: 1, weight });
}

function featuresOf(text: string): Map<string, Feature> {
  const features = new Map<string, Feature>();
  const content = contentTerms(text);
  for (const term of content.length > 0 ? content : words(text)) {
    count(features, `=${term}`, 1);
    const padded = `^${term}$`;
    const grams = Math.max(padded.length - GRAM + 1, 1);
    const weight = GRAM_SHARE / Math.sqrt(grams);
    for (let at = 0; at < grams; at++) count(features, padded.slice(at, at + GRAM), weight);
  }
  return features;
}

/**
 * Embeds one text as a vector of `OFFLINE_DIMENSIONS` numbers and of length 1.
 *
 * Words and their character n-grams are hashed with signs into few coordinates (Weinberger et al.,
 * "Feature hashing for large scale multitask learning", ICML 2009; Achlioptas, "Database-friendly
 * random projections", 2003; n-grams of words as in Bojanowski et al., "Enriching word vectors with
 * subword information", TACL 2017). The square root dampens repetitions. A text without words gets
 * a fixed unit vector of its own, because a vector of zeros has no cosine.
 */
export function offlineEmbedding(text: string): number[] {
  const vector = new Float64Array(OFFLINE_DIMENSIONS);
  const features = featuresOf(text);
  if (features.size === 0) features.set('', { count: 1, weight: 1 });
  for (const [name, feature] of features) {
    const value = feature.weight * Math.sqrt(feature.count);
    let state = hash(name);
    for (let step = 0; step < COORDINATES; step++) {
      state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
      state ^= state >>> 12;
      vector[(state >>> 1) % OFFLINE_DIMENSIONS]! += state & 1 ? value : -value;
    }
  }
  const length = Math.hypot(...vector);
  if (length > 0) return Array.from(vector, (value) => value / length);
  // Signs can cancel exactly, though hardly ever, in a text with very few features.
  return Array.from(vector, (_, at) => (at === 0 ? 1 : 0));
}

/** The model with the id `offline`. It stops embedding when the call's signal is aborted. */
export const offlineEmbedder: EmbeddingModelV4 = {
  specificationVersion: 'v4',
  provider: 'parley',
  modelId: 'offline',
  maxEmbeddingsPerCall: Infinity,
  supportsParallelCalls: true,
  async doEmbed({ values, dimensions, abortSignal }: EmbeddingModelV4CallOptions) {
    abortSignal?.throwIfAborted();
    const fits = dimensions === undefined || dimensions === OFFLINE_DIMENSIONS;
    return {
      embeddings: values.map(offlineEmbedding),
      warnings: fits ? [] : [{ type: 'unsupported', feature: 'dimensions' }],
    };
  },
};
