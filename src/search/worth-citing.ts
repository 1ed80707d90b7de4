/** Decides which passages a turn is grounded on: a vector scan always finds something. */
import type { Passage } from './passage.ts';

/**
 * The least that passages must reach in one of two measures: `citing` the best one, without which
 * the question has no answer here, `adding` those beside it, which also need that share of the best
 * value.
 */
interface Floor {
  citing: Measures;
  adding: Measures;
  share: number;
}

interface Measures {
  coverage: number;
  cosine: number;
}

/**
 * On the Cranfield collection 19 of 20 answers have a cosine of 0.35 and more by the offline model;
 * answers that share no word with a short question have 0.27 in the median. For long questions
 * about something else, the best of eight texts has 0.19 in the median, for short ones 0.09.
 */
export const OFFLINE_FLOOR: Floor = {
  citing: { coverage: 0.4, cosine: 0.24 },
  adding: { coverage: 0.2, cosine: 0.17 },
  share: 0.6,
};
/**
 * Cosines of learned models differ. Those of some are near 0 for texts that have nothing in common:
 * of a sentence encoder, nine of ten answers have 0.27 and more, and half of the best of three
 * texts about something else less than 0.2. Those of others are never low; then nothing is dropped,
 * and the reader of the passages must judge them.
 */
export const MODEL_FLOOR: Floor = {
  citing: { coverage: 0.4, cosine: 0.2 },
  adding: { coverage: 0.2, cosine: 0.1 },
  share: 0,
};

/**
 * Drops passages that have nothing to do with the question, and numbers the rest again. Words alone
 * drop none: where no vector was searched, what means the same cannot be told.
 */
export function worthCiting(passages: readonly Passage[], floor: Floor): Passage[] {
  const { citing, adding, share } = floor;
  if (passages.every(({ cosine }) => cosine === null)) return renumbered(passages);
  const measured = passages.map(({ coverage, cosine }) => ({ coverage, cosine: cosine ?? 0 }));
  if (!measured.some((measures) => reaches(measures, citing))) return [];
  const least = {
    coverage: Math.max(adding.coverage, share * greatest(measured, 'coverage')),
    cosine: Math.max(adding.cosine, share * greatest(measured, 'cosine')),
  };
  return renumbered(passages.filter((_, at) => reaches(measured[at]!, least)));
}

/** Drops passages with the same text as a better one, which would tell a model nothing new. */
export function withoutCopies(passages: readonly Passage[]): Passage[] {
  const texts = new Set<string>();
  return renumbered(passages.filter(({ text }) => !texts.has(text) && texts.add(text)));
}

function renumbered(passages: readonly Passage[]): Passage[] {
  return passages.map((passage, at) => ({ ...passage, source: { ...passage.source, n: at + 1 } }));
}

function reaches({ coverage, cosine }: Measures, least: Measures): boolean {
  return coverage >= least.coverage || cosine >= least.cosine;
}

function greatest(measured: readonly Measures[], measure: keyof Measures): number {
  return measured.reduce((most, measures) => Math.max(most, measures[measure]), 0);
}
