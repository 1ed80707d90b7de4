/** What is asked of the store for a claim, and in which way first. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { parseConfig } from '../../../../src/config.ts';
import { NO_LIMITS } from '../../../../src/core/limits.ts';
import { pricesOf, registryOf } from '../../../../src/host/services.ts';
import { networkBy } from '../../../../src/models/http.ts';
import type { ClaimResult } from '../../../../src/store/turns/claim.ts';
import { Allowances } from '../../../../src/turns/accept/allowances.ts';
import { newClaim } from '../../store/turns/new-claim.ts';

beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 28, 12) }));
afterAll(() => void vi.useRealTimers());

it('takes no way of the day before first, whose sums are over', () => {
  const config = parseConfig({});
  const registry = registryOf(config, networkBy(fetch));
  const defaults = { ...NO_LIMITS, tokens_per_day: 1 };
  const options = { registry, prices: pricesOf(config), defaults, leaseMs: 15_000 };
  const allowances = new Allowances(options);
  const claim = newClaim();
  const ask = () => allowances.of(claim, { keyId: null, streams: undefined });
  const reservation = ask();
  expect(reservation.firstWay).toBe('reserve');
  // All else of the result is of no account here.
  const granted = { kind: 'accepted', way: 'grant' } as unknown as ClaimResult;
  allowances.ways.remember({ ...claim, reservation }, granted);
  vi.setSystemTime(Date.UTC(2026, 10, 28, 23, 59, 59));
  expect(ask().firstWay).toBe('grant');
  vi.setSystemTime(Date.UTC(2026, 10, 29));
  expect(ask().firstWay).toBe('reserve');
});
