/**
 * The `offline` embedding model, which needs no key and no network and gives the same result in
 * every process. One part of a vector hashes the features of the text, which knows word forms and
 * spelling: "reimbursment" finds "reimbursed". The other is the sum of the vectors of its words
 * (`word-vectors.ts`), which knows meaning: "money back" finds "refund".
 */

import { fnv1a } from '../../core/hash.ts';
import { withoutContractions } from '../../text/contractions.ts';
import { contentTerm, isStopWord, plainWords, words } from '../../text/words.ts';
import { COMMON, type WordVectors } from './word-vectors.ts';

/** Two rows of 4-byte numbers fill a database page of 4096 bytes. */
export const OFFLINE_DIMENSIONS = 480;

/**
 * The share of the words' vectors in the cosine of two texts whose words are all known. What the
 * words themselves have in common is counted by the keyword ranking too.
 */
const MEANING_SHARE = 0.7;
/** The same share in the vector of a question. Documents need not be embedded anew for it. */
const MEANING_SHARE_OF_QUESTION = 0.85;
/**
 * The least English that a document must be for its meaning to count, and to count fully: the share
 * of its words that the table knows, by weight, and that of English function words together. Other
 * languages share some words of the table by chance. English texts have 1.2 on average and hardly
 * ever less than 0.7, Spanish ones 0.3, Vietnamese ones up to 0.6.
 */
const LEAST_ENGLISH = 0.6;
const FULLY_ENGLISH = 0.75;
/**
 * The part of a rare word that a short question has of the opposite of what all texts have in
 * common: a long text is near it by that alone. A question of so many different words has all of
 * it, one of more has less, and one of the second number none: it says enough by itself.
 */
const COMMON_SHARE = 0.3;
const SHORT = 4;
const LONG = 8;
/** Numbers of a vector that the words have; the features have the others. */
const WORD_DIMENSIONS = 100;

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

function featuresOf(all: readonly string[]): Map<string, Feature> {
  const features = new Map<string, Feature>();
  const content = all.map(contentTerm).filter((term) => term !== null);
  for (const term of content.length > 0 ? content : all) {
    count(features, `=${term}`, 1);
    const padded = `^${term}$`;
    const grams = Math.max(padded.length - GRAM + 1, 1);
    const weight = GRAM_SHARE / Math.sqrt(grams);
    for (let at = 0; at < grams; at++) count(features, padded.slice(at, at + GRAM), weight);
  }
  return features;
}

/**
 * Hashes the words of a text to a vector of length 1.
 *
 * Words and their character n-grams are hashed with signs into few coordinates (Weinberger et al.,
 * "Feature hashing for large scale multitask learning", ICML 2009; Achlioptas, "Database-friendly
 * random projections", 2003; n-grams of words as in Bojanowski et al., "Enriching word vectors with
 * subword information", TACL 2017). The square root dampens repetitions. A text without words gets
 * a fixed unit vector of its own, because a vector of zeros has no cosine.
 */
function hashedText(all: readonly string[], dimensions: number): Float64Array {
  const vector = new Float64Array(dimensions);
  const features = featuresOf(all);
  if (features.size === 0) features.set('', { count: 1, weight: 1 });
  for (const [name, feature] of features) {
    const value = feature.weight * Math.sqrt(feature.count);
    let state = hash(name);
    for (let step = 0; step < COORDINATES; step++) {
      state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
      state ^= state >>> 12;
      vector[(state >>> 1) % dimensions]! += state & 1 ? value : -value;
    }
  }
  const length = lengthOf(vector);
  if (length > 0) return vector.map((value) => value / length);
  // Signs can cancel exactly, though hardly ever, in a text with very few features.
  vector[0] = 1;
  return vector;
}

function lengthOf(vector: Float64Array): number {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.sqrt(squares);
}

/** Embeds a text by its features alone: `OFFLINE_DIMENSIONS` numbers, length 1. */
export function hashedEmbedding(text: string): number[] {
  return Array.from(hashedText(plainWords(text), OFFLINE_DIMENSIONS));
}

/**
 * Embeds a text by its features and its words: `OFFLINE_DIMENSIONS` numbers, length 1. Of a
 * question the meaning always counts, however few of its words are known: it changes nothing for
 * documents that have none. A short one loses what all texts have in common.
 * @param table undefined while it is missing: the numbers of the words are then zero
 */
export function offlineEmbedding(
  text: string,
  { table, isQuery }: { table: WordVectors | undefined; isQuery: boolean },
): number[] {
  const all = words(isQuery ? withoutContractions(text) : text);
  const features = hashedText(all, OFFLINE_DIMENSIONS - WORD_DIMENSIONS);
  const { sum, known, different } = sumOfWords(all, table);
  const brevity = Math.max(0, Math.min(1, (LONG - different) / (LONG - SHORT)));
  if (isQuery && known > 0) table?.add(COMMON, -COMMON_SHARE * brevity, sum);
  const length = lengthOf(sum);
  const english = known + all.filter(isStopWord).length / (all.length || 1);
  const trust = (english - LEAST_ENGLISH) / (FULLY_ENGLISH - LEAST_ENGLISH);
  const whole = isQuery
    ? MEANING_SHARE_OF_QUESTION
    : MEANING_SHARE * Math.max(0, Math.min(1, trust));
  const share = length > 0 ? whole : 0;
  const [feature, meaning] = [Math.sqrt(1 - share), Math.sqrt(share) / (length || 1)];
  return [
    ...Array.from(features, (value) => feature * value),
    ...Array.from(sum, (value) => meaning * value),
  ];
}

export interface Question {
  text: string;
  /** Its content, if it is in another language than English (`foreignContent`). */
  foreign: string | undefined;
}

/**
 * Embeds a question. The table is of English words: of another language it would know those that
 * look English, and the question would be near the few documents of which the same is true.
 */
export function questionEmbedding(
  { text, foreign }: Question,
  table: WordVectors | undefined,
): number[] {
  if (foreign === undefined) return offlineEmbedding(text, { table, isQuery: true });
  return offlineEmbedding(foreign, { table: undefined, isQuery: true });
}

/** Returns the share of a question's words, by weight, that the table knows: 0 to 1. */
export function knownShare({ text, foreign }: Question, table: WordVectors | undefined): number {
  if (foreign !== undefined) return 0;
  return sumOfWords(words(withoutContractions(text)), table).known;
}

/**
 * Adds up the vectors of a text's words. `known` is the share of them that the table has,
 * `different` how many there are.
 */
function sumOfWords(all: readonly string[], table: WordVectors | undefined) {
  const sum = new Float64Array(WORD_DIMENSIONS);
  if (!table) return { sum, known: 0, different: 0 };
  const counts = new Map<string, number>();
  for (const word of all) if (!isStopWord(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
  let [known, whole] = [0, 0];
  for (const [word, times] of counts) {
    const { weight, isKnown } = table.add(word, Math.sqrt(times), sum);
    whole += weight;
    if (isKnown) known += weight;
  }
  return { sum, known: known / (whole || 1), different: counts.size };
}
