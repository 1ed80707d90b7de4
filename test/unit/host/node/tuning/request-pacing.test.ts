import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { RequestPacing } from '../../../../../src/host/node/tuning/request-pacing.ts';

/** Lets so many enter, and writes down who has begun. */
function arrive(starts: RequestPacing, count: number, begun: number[] = []) {
  const from = begun.length;
  for (let index = 0; index < count; index++) {
    const wait = starts.enter();
    if (wait) void wait.then(() => begun.push(from + index));
    else begun.push(from + index);
  }
  return begun;
}

it('lets a few begin at once, without a wait', () => {
  expect(new RequestPacing().enter()).toBeUndefined();
  expect(arrive(new RequestPacing(), 100)).toHaveLength(8);
});

it('lets the others begin in their order, a few in each turn of the event loop', async () => {
  const begun = arrive(new RequestPacing(), 1000);
  const counts = [];
  while (begun.length < 1000) {
    await setImmediate();
    counts.push(begun.length);
  }
  expect(begun).toEqual(Array.from({ length: 1000 }, (_, index) => index));
  expect(counts.every((count, turn) => count <= 8 * (turn + 2))).toBe(true);
  expect(counts.length).toBeLessThan(130);
});

it('a single request does not wait', async () => {
  const starts = new RequestPacing();
  for (let count = 0; count < 50; count++) {
    expect(starts.enter()).toBeUndefined();
    await setImmediate();
    await setImmediate();
  }
});

it('a request after a burst does not wait', async () => {
  const starts = new RequestPacing();
  const begun = arrive(starts, 20);
  while (begun.length < 20) await setImmediate();
  await setImmediate();
  await setImmediate();
  expect(starts.enter()).toBeUndefined();
});

it('a request in the middle of a burst queues behind those that wait', async () => {
  const starts = new RequestPacing();
  const begun = arrive(starts, 30);
  await setImmediate();
  const late: string[] = [];
  void starts.enter()?.then(() => late.push(`after ${begun.length}`));
  while (late.length === 0) await setImmediate();
  expect(late).toEqual(['after 30']);
});
