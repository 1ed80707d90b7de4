/** The quick part of the fault suite as tests: a few rounds of the cases that find most. */
import { afterAll, expect, it } from 'vitest';
import type { Runtime } from '../support/server.ts';
import { runCase } from './case.ts';
import { cases } from './cases.ts';
import { Worlds } from './world.ts';

/**
 * Seeded by the day: each day other texts and moments, the same for everybody who looks for a
 * failure.
 */
const seed = Math.floor(Date.now() / 86_400_000);

/** Milliseconds; a case takes about ten seconds on a calm machine. */
const PATIENCE_MS = 120_000;

export function testCases(runtime: Runtime, names: readonly string[]): void {
  const worlds = new Worlds(runtime);
  afterAll(() => worlds.close(), PATIENCE_MS);
  for (const name of names) {
    const faultCase = cases.find((candidate) => candidate.name === name);
    if (!faultCase) throw new Error(`there is no case ${name}`);
    it(
      `${name}: ${faultCase.what}`,
      async () => {
        const result = await runCase(faultCase, { runtime, quick: true, seed, worlds });
        expect(result.violations, `seed ${seed}`).toEqual([]);
        expect(result.rounds).toBeGreaterThan(0);
      },
      PATIENCE_MS,
    );
  }
}
