import { describe, expect, test } from 'vitest';
import { trustInWords } from '../../../src/search/trust.ts';

/** A library of 300 chunks, of which the search found ten, the first of them best by words. */
function trust({
  covered = 0.7,
  coveredByLast = 0,
  information = 9,
  cosines = CLEAR,
  meaning = 1,
} = {}): number {
  const scores = Float64Array.from(cosines, (_, at) => 1 / (1 + at));
  const [most, least] = [Math.max(...cosines), Math.min(...cosines)];
  return trustInWords({
    query: {
      scores,
      coverage: Float64Array.from(cosines, (_, at) => {
        if (at === 0) return covered;
        return at === cosines.length - 1 ? coveredByLast : 0;
      }),
      evidence: covered * information,
      terms: new Set(),
    },
    candidates: cosines.map((cosine) => ({ cosine })),
    statistics: { chunks: 300 },
    words: scores,
    vectors: Float64Array.from(cosines, (cosine) => (cosine - least) / (most - least)),
    meaning,
  });
}

/** The vectors point to the last candidate, and have the first far below it. */
const CLEAR = [0.12, 0.14, 0.13, 0.15, 0.16, 0.18, 0.12, 0.13, 0.14, 0.4];
const AGREEING = [0.4, 0.14, 0.13, 0.15, 0.16, 0.18, 0.12, 0.13, 0.14, 0.12];
/** The vectors point to the first and to the last candidate. */
const NEAR = CLEAR.with(0, 0.39);
/** The vectors find all candidates nearly alike. */
const UNDECIDED = [0.4, 0.42, 0.43, 0.43, 0.42, 0.43, 0.44, 0.43, 0.42, 0.44];

describe('trustInWords', () => {
  test('words that vectors contradict are hardly trusted', () => {
    expect(trust()).toBeLessThan(0.2);
  });

  test('words are trusted where the vectors find the same candidate', () => {
    expect(trust({ cosines: AGREEING })).toBeGreaterThan(0.7);
  });

  test('some words are hardly trusted where the nearest candidate has none of them', () => {
    expect(trust({ cosines: NEAR })).toBeLessThan(0.4);
    expect(trust({ cosines: NEAR, coveredByLast: 0.7 })).toBeGreaterThan(0.7);
  });

  test('all words are trusted where the nearest candidate has none of them', () => {
    expect(trust({ cosines: NEAR, covered: 1 })).toBe(1);
  });

  test('vectors that point to no candidate raise no doubts', () => {
    expect(trust({ cosines: UNDECIDED })).toBeGreaterThan(0.7);
  });

  test('many rare words are trusted, whatever the vectors find', () => {
    expect(trust({ information: 30 })).toBe(1);
  });

  test('vectors that do not know the question raise no doubts', () => {
    expect(trust({ meaning: 0 })).toBe(1);
    expect(trust({ meaning: 0.7 })).toBe(1);
    expect(trust({ meaning: 0.85 })).toBeCloseTo((1 + trust()) / 2);
  });

  test('words that no candidate has are not trusted, even where vectors know nothing either', () => {
    expect(trust({ covered: 0, meaning: 0 })).toBe(0);
  });
});
