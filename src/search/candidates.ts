/**
 * Represents candidates as weighted bags of terms, for scoring, feedback and the search for
 * duplicates. Everything is computed from the owner's own chunks.
 */

import { matchedLanguage, type MatchedLanguage } from '../text/languages.ts';
import { TermNumbers } from '../text/term-numbers.ts';
import { contentTerm, termOf, words } from '../text/words.ts';
import { countTerms, type TermCounts } from './term-counts.ts';

/** BM25's saturation and length normalisation, with the values of FTS5. */
export const SATURATION = 1.2;
export const LENGTH_WEIGHT = 0.75;

/**
 * Candidates were chosen because they match, so a term that is common among them need not be common
 * in the owner's texts. They are therefore treated as half of a collection whose other half lacks
 * their terms, if the owner has that many chunks.
 */
const BACKGROUND_FACTOR = 2;

export interface CandidateText {
  title: string;
  text: string;
  /** The language of its document (ISO 639-1), which is loaded. */
  language?: string | null;
  /** Its terms, where they are known already, so that its text need not be read. */
  known?: KnownTerms | undefined;
}

/** Terms in order, as numbers that the candidates of one search share. */
export interface KnownTerms {
  sequence: Int32Array;
  lexicon: Numbers;
}

/** The numbers of terms, from 0. */
export interface Numbers {
  readonly size: number;
  /** Returns the number of a term, -1 if it has none. */
  numberOf(term: string): number;
}

/** The numbers of the terms of one search's candidates. */
export interface Vocabulary {
  readonly size: number;
  /** Returns the number of a term, undefined if no candidate contains it. */
  get(term: string): number | undefined;
}

export interface CollectionStatistics {
  /** Number of this owner's chunks. */
  chunks: number;
  /** The number of chunks that contain each query term, by stem. */
  frequencies: ReadonlyMap<string, number>;
}

export interface TermBag {
  /** The language in which it is matched; undefined where that needs no mention. */
  language?: MatchedLanguage | undefined;
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
  vocabulary: Vocabulary;
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
export function termsOf(candidate: CandidateText): string[] {
  const all = wordsOf(candidate);
  const content: string[] = [];
  for (const word of all) {
    const term = contentTerm(word);
    if (term !== null) content.push(term);
  }
  return content.length > 0 ? content : all.map(termOf);
}

function wordsOf({ title, text, language }: CandidateText): string[] {
  return words(`${title}\n${text}`, language);
}

interface Numbered {
  lists: Int32Array[];
  vocabulary: Vocabulary;
}

function numbered(candidates: CandidateText[]): Numbered {
  const known = candidates.flatMap((candidate) => candidate.known ?? []);
  const [first] = known;
  if (first && known.length === candidates.length) return renumbered(known, first.lexicon);
  return numberedByText(candidates);
}

let shared: TermNumbers | undefined;
/** Most words that are remembered from one search to the next, about 1 MB. */
const MOST_WORDS = 20_000;

/** Numbers the terms of texts. */
function numberedByText(candidates: readonly CandidateText[]): Numbered {
  if (!shared || shared.wordCount > MOST_WORDS) shared = new TermNumbers();
  const lexicon = shared;
  const known = candidates.map((text) => ({ sequence: lexicon.read(text).slice(), lexicon }));
  return renumbered(known, lexicon);
}

/** Numbers the terms of the candidates alone, of all that have a number. */
function renumbered(known: readonly KnownTerms[], lexicon: Numbers): Numbered {
  const indexes = new Int32Array(lexicon.size).fill(-1);
  let size = 0;
  const all = new Int32Array(known.reduce((sum, { sequence }) => sum + sequence.length, 0));
  let from = 0;
  const lists = known.map(({ sequence }) => {
    for (let at = 0; at < sequence.length; at++) {
      const number = sequence[at]!;
      let index = indexes[number]!;
      if (index < 0) index = indexes[number] = size++;
      all[from + at] = index;
    }
    return all.subarray(from, (from += sequence.length));
  });
  const get = (term: string) => {
    const index = indexes[lexicon.numberOf(term)] ?? -1;
    return index < 0 ? undefined : index;
  };
  return { lists, vocabulary: { size, get } };
}

function weigh(
  sequence: Int32Array,
  { terms, counts }: TermCounts,
  rarity: Float64Array,
  averageLength: number,
): TermBag {
  const relative = sequence.length / (averageLength || 1);
  const saturation = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * relative);
  const weights = new Float64Array(terms.length);
  let squares = 0;
  for (let at = 0; at < terms.length; at++) {
    const weight = rarity[terms[at]!]! * saturated(counts[at]!, saturation);
    weights[at] = weight;
    squares += weight * weight;
  }
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
  const { lists, vocabulary } = numbered(candidates);
  const counts = countTerms(lists, vocabulary.size);
  const frequency = new Float64Array(vocabulary.size);
  for (const { terms } of counts)
    for (let at = 0; at < terms.length; at++) frequency[terms[at]!]! += 1;
  const collection = Math.max(statistics.chunks, candidates.length);
  const background = Math.min(collection, BACKGROUND_FACTOR * candidates.length);
  const rarity = frequency.map((count) => inverseFrequency(background, count));
  for (const [term, count] of statistics.frequencies) {
    const index = vocabulary.get(term);
    if (index !== undefined) rarity[index] = inverseFrequency(collection, count);
  }
  const total = lists.reduce((sum, list) => sum + list.length, 0);
  const average = total / (lists.length || 1);
  const bags = lists.map((list, at) => ({
    ...weigh(list, counts[at]!, rarity, average),
    language: matchedLanguage(candidates[at]!.language),
  }));
  return { vocabulary, rarity, bags };
}
