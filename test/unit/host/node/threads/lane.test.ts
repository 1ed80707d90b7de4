import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ParleyError } from '../../../../../src/core/errors.ts';
import { Lane, type TaskOptions } from '../../../../../src/host/node/threads/lane.ts';
import type { TestTask } from './test-thread.ts';

let lane: Lane<TestTask>;
let started: number;
let deaths: number;

const lost = () => new ParleyError({ code: 'search_interrupted', detail: 'lost', retryAfter: 1 });

function newLane(atOnce = 1): Lane<TestTask> {
  return new Lane({
    ...{ atOnce, lost, mostWaiting: 6, mostWaitingOfOne: 4 },
    onDeath: () => deaths++,
    start() {
      started++;
      return new Worker(new URL('test-thread.ts', import.meta.url));
    },
  });
}

beforeEach(() => {
  [started, deaths] = [0, 0];
  lane = newLane();
});
afterEach(() => lane.close(5_000));

const run = (task: TestTask, options: Partial<TaskOptions> = {}) =>
  lane.run(task, { owner: 'a', isRepeatable: false, ...options });

it('starts a thread with the first task, and one for all', async () => {
  expect(started).toBe(0);
  expect(await Promise.all([run({ say: '1' }), run({ say: '2' })])).toEqual(['1', '2']);
  expect(started).toBe(1);
});

it('passes on what a task tells before its result', async () => {
  const told: unknown[] = [];
  await run({ say: 'x' }, { onEvent: (event) => told.push(event) });
  expect(told).toEqual(['begun x']);
});

it('gives a failure its code, and its cause to the log', async () => {
  await expect(run({ fail: true })).rejects.toMatchObject({ code: 'not_found', cause: "'why'" });
});

it('serves owners in turn', async () => {
  const order: unknown[] = [];
  const asked = [
    ...['first', 'a1', 'a2', 'a3'].map((say) => run({ say })),
    ...['b1', 'b2'].map((say) => run({ say }, { owner: 'b' })),
  ];
  await Promise.all(asked.map(async (result) => order.push(await result)));
  expect(order).toEqual(['first', 'a1', 'b1', 'a2', 'b2', 'a3']);
});

it('refuses what waits too long a line, with a time to come back', async () => {
  const kept = Array.from({ length: 5 }, () => run({ say: 'x' }));
  await expect(run({})).rejects.toMatchObject({
    ...{ code: 'queue_full', isReduced: undefined, retryAfter: 1 },
  });
  const others = ['b', 'b'].map((owner) => run({ say: 'x' }, { owner }));
  await expect(run({}, { owner: 'c' })).rejects.toMatchObject({
    ...{ code: 'queue_full', isReduced: true, retryAfter: 1 },
  });
  expect(await Promise.all([...kept, ...others])).toHaveLength(7);
});

it('does not begin a task that was cancelled while it waited', async () => {
  const controller = new AbortController();
  const first = run({ say: 'first', untilCancelled: false, after: 50 });
  const told: unknown[] = [];
  const options = { signal: controller.signal, onEvent: (event: unknown) => told.push(event) };
  const second = run({ say: 'second' }, options);
  controller.abort(new Error('gone'));
  await expect(second).rejects.toThrow('gone');
  expect(await first).toBe('first');
  expect(await run({ say: 'third' })).toBe('third');
  expect(told).toEqual([]);
});

it('tells a running task that nobody waits for it any more', async () => {
  const controller = new AbortController();
  const begun = Promise.withResolvers<unknown>();
  const options = { signal: controller.signal, onEvent: begun.resolve };
  const endless = run({ untilCancelled: true }, options);
  await begun.promise;
  controller.abort(new Error('gone'));
  await expect(endless).rejects.toThrow('gone');
  // The only place of the thread is free again.
  expect(await run({ say: 'next' })).toBe('next');
});

it('replaces a thread that dies, and only the task that was at work feels it', async () => {
  const dying = run({ die: true });
  const waiting = run({ say: 'after' });
  await expect(dying).rejects.toMatchObject({ code: 'search_interrupted', retryAfter: 1 });
  expect(await waiting).toBe('after');
  expect([started, deaths]).toEqual([2, 1]);
});

it('repeats a task whose thread died beside it, but one that kills threads only once', async () => {
  await lane.close(5_000);
  lane = newLane(2);
  const beside = run({ say: 'beside', after: 100 }, { isRepeatable: true });
  await expect(run({ die: true }, { isRepeatable: true })).rejects.toMatchObject({
    code: 'search_interrupted',
  });
  expect(deaths).toBe(2);
  // It may have been at work in both threads that died.
  const ended = await beside.catch((error: unknown) => error);
  expect(ended === 'beside' || (ended instanceof ParleyError && ended.retryAfter === 1)).toBe(true);
});

it('ends its thread when it is closed, and refuses what comes later', async () => {
  const running = run({ say: 'x', after: 10_000 });
  const waiting = run({ say: 'y' });
  const refused = Promise.all(
    [running, waiting].map((task) => expect(task).rejects.toMatchObject({ code: 'shutting_down' })),
  );
  await lane.close(5_000);
  await refused;
  await expect(run({})).rejects.toMatchObject({ code: 'shutting_down' });
});
