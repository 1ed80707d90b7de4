/** Decides which passages a turn is grounded on: a vector scan always finds something. */
import type { Passage } from './passage.ts';

/**
 * Thresholds for the offline model; a passage must reach one of the two measures. `WORTH_CITING` is
 * for the best passage, without which the question has no answer here. `WORTH_ADDING` is for
 * passages beside it. On the Cranfield collection 19 of 20 answers have a cosine of 0.35 and more;
 * answers that share no word with a short question have 0.27 in the median. For long questions
 * about something else, the best of eight texts has 0.19 in the median, for short ones 0.09.
 */
const WORTH_CITING = { coverage: 0.4, cosine: 0.24 };
const WORTH_ADDING = { coverage: 0.2, cosine: 0.17 };
/** The share of the best value that another passage must reach, in one of the measures. */
const SHARE_OF_BEST = 0.6;

type Measures = typeof WORTH_CITING;

/** Drops passages that have nothing to do with the question, and numbers the rest again. */
export function worthCiting(passages: readonly Passage[]): Passage[] {
  const measured = passages.map(({ coverage, cosine }) => ({ coverage, cosine: cosine ?? 0 }));
  if (!measured.some((measures) => reaches(measures, WORTH_CITING))) return [];
  const least = {
    coverage: Math.max(WORTH_ADDING.coverage, SHARE_OF_BEST * greatest(measured, 'coverage')),
    cosine: Math.max(WORTH_ADDING.cosine, SHARE_OF_BEST * greatest(measured, 'cosine')),
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
