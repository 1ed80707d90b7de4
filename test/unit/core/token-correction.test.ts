import { expect, it } from 'vitest';
import { correctBudget, correctionFrom } from '../../../src/core/token-correction.ts';

it.each([
  ['what the provider counted for one of ours', 3_000, 2_000, 1.5],
  ['below one where we estimate too much', 1_600, 2_000, 0.8],
  ['nothing for a right estimate', 2_000, 2_000, 1],
  ['three at most', 90_000, 2_000, 3],
  ['a half at least', 5, 2_000, 0.5],
  ['nothing where little was sent', 900, 499, 1],
  ['nothing where nothing was counted', 0, 2_000, 1],
  ['nothing for what is no number', Number.NaN, 2_000, 1],
])('a correction is %s', (_name, counted, estimated, correction) => {
  expect(correctionFrom({ counted, estimated })).toBe(correction);
});

it('of a first turn is nothing', () => {
  expect(correctionFrom(undefined)).toBe(1);
});

it('a budget is smaller when each estimate stands for more tokens', () => {
  expect(correctBudget(30_000, 1.5)).toBe(20_000);
  expect(correctBudget(30_000, 0.5)).toBe(60_000);
  expect(correctBudget(30_000, 1)).toBe(30_000);
});
