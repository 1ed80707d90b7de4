import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { StallWatchdog } from '../../../../src/turns/run/stall-watchdog.ts';

const limits = { firstTokenMs: 1_000, idleMs: 300, totalMs: 5_000 };
let late: number | undefined;
let begun: number;

beforeEach(() => {
  vi.useFakeTimers();
  late = undefined;
  begun = performance.now();
});
afterEach(() => vi.useRealTimers());

function watch(): StallWatchdog {
  return new StallWatchdog(limits, begun + limits.totalMs, () => {
    late ??= Math.round(performance.now() - begun);
  });
}

/** Tokens at these times, then silence; when the limit ran out. */
function lateAfter(tokens: number[]): number | undefined {
  const watchdog = watch();
  for (const at of tokens) {
    vi.advanceTimersByTime(begun + at - performance.now());
    watchdog.alive();
  }
  vi.advanceTimersByTime(20_000);
  watchdog.stop();
  return late;
}

describe('the stall watchdog', () => {
  it.each([
    ['without a first token', [], 1_000],
    ['after a quick first token', [100], 400],
    ['after a slow first token', [900], 1_200],
    ['after the last of many', [100, 350, 600, 890], 1_190],
    ['after two at once', [100, 100], 400],
  ])('%s', (_name, tokens, expected) => {
    const at = lateAfter(tokens) ?? 0;
    expect(at).toBeGreaterThanOrEqual(expected);
    expect(at).toBeLessThanOrEqual(expected + 2);
  });

  it('fires at the deadline, however many tokens arrive', () => {
    const tokens = Array.from({ length: 30 }, (_token, index) => index * 200);
    expect(lateAfter(tokens)).toBe(limits.totalMs);
  });
});

it('is not late once it has been stopped', () => {
  const watchdog = watch();
  watchdog.alive();
  watchdog.stop();
  vi.advanceTimersByTime(20_000);
  expect(late).toBeUndefined();
});
