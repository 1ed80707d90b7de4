import { beforeEach, describe, expect, it } from 'vitest';
import { retry, sleep } from '../../../src/core/retry.ts';

const options = {
  firstPauseMs: 1,
  longestPauseMs: 4,
  onError: (_: unknown, pauseMs: number) => pauseMs,
};

let calls = 0;
beforeEach(() => {
  calls = 0;
});

/** Fails so many times, then answers the number of its call. */
function failing(times: number): () => Promise<number> {
  return () => {
    calls++;
    return calls <= times ? Promise.reject(new Error(`call ${calls}`)) : Promise.resolve(calls);
  };
}

describe('retry', () => {
  it('returns the first success, and does not try again', async () => {
    const attempt = failing(0);
    expect(await retry(attempt, options)).toBe(1);
    expect(calls).toBe(1);
  });

  it('tries until it succeeds, after pauses that double up to the longest', async () => {
    const attempt = failing(5);
    const pauses: number[] = [];
    const onError = (_: unknown, pauseMs: number) => {
      pauses.push(pauseMs);
      return 0;
    };
    expect(await retry(attempt, { ...options, onError })).toBe(6);
    for (const [at, planned] of [1, 2, 4, 4, 4].entries()) {
      expect(pauses[at]).toBeGreaterThanOrEqual(planned / 2);
      expect(pauses[at]).toBeLessThan(planned * 1.5);
    }
    expect(new Set(pauses).size).toBe(5);
  });

  it('waits as long as it is told', async () => {
    const attempt = failing(1);
    const started = performance.now();
    await retry(attempt, { ...options, onError: () => 50 });
    expect(performance.now() - started).toBeGreaterThan(45);
  });

  it('throws what is thrown instead of a pause', async () => {
    const attempt = failing(9);
    const onError = (error: unknown, pauseMs: number) => {
      if (calls === 3) throw new TypeError('no more', { cause: error });
      return pauseMs;
    };
    const given = retry(attempt, { ...options, onError });
    await expect(given).rejects.toMatchObject({ message: 'no more', cause: new Error('call 3') });
  });

  it('ends a pause when it is aborted', async () => {
    const attempt = failing(9);
    const signal = AbortSignal.timeout(20);
    const started = performance.now();
    const given = retry(attempt, { ...options, onError: () => 60_000, signal });
    await expect(given).rejects.toHaveProperty('name', 'TimeoutError');
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(calls).toBe(1);
  });
});

it('sleeping under a signal that has fired already ends at once', async () => {
  await expect(sleep(60_000, AbortSignal.abort(new Error('over')))).rejects.toThrow('over');
});
