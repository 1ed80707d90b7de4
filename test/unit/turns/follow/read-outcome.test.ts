import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { streamTurn } from '../../../../src/turns/follow/turn-reader.ts';
import { readOutcome } from '../../../../src/turns/follow/read-outcome.ts';
import { finish, liveTurn } from '../running-turn.ts';

/** How a turn reaches whoever waits: from this process, or through a network. */
const ways: [way: string, through: (body: ReadableStream<Uint8Array>) => typeof body][] = [
  ['here', (body) => body],
  ['elsewhere', (body) => body.pipeThrough(new TransformStream<Uint8Array, Uint8Array>())],
];

describe.each(ways)('whoever waits for the whole of a turn that runs %s', (_, through) => {
  function waiting(signal?: AbortSignal) {
    const live = liveTurn();
    let hasLeft = false;
    const body = streamTurn({
      source: live,
      wire: 'outcome',
      startAt: 'start',
      initialId: false,
      keepAliveMs: 60_000,
      onLeave: () => (hasLeft = true),
    });
    return { live, outcome: readOutcome(through(body), signal), hasLeft: () => hasLeft };
  }

  it('gets its end', async () => {
    const { live, outcome, hasLeft } = waiting();
    live.append('text', 'said');
    await setImmediate();
    live.append('text', ' and done');
    finish(live);
    const { message } = await outcome;
    expect(message).toMatchObject({
      status: 'complete',
      parts: [{ type: 'text', text: 'said and done' }],
    });
    expect(hasLeft()).toBe(false);
  });

  it('leaves it by going', async () => {
    const gone = new AbortController();
    const { outcome, hasLeft } = waiting(gone.signal);
    gone.abort();
    await expect(outcome).rejects.toThrow();
    await vi.waitFor(() => expect(hasLeft()).toBe(true));
  });

  it('leaves it at once when it has gone before', async () => {
    const { outcome, hasLeft } = waiting(AbortSignal.abort());
    await expect(outcome).rejects.toThrow();
    await vi.waitFor(() => expect(hasLeft()).toBe(true));
  });

  it('does not leave it by going afterwards', async () => {
    const gone = new AbortController();
    const { live, outcome, hasLeft } = waiting(gone.signal);
    finish(live);
    await outcome;
    gone.abort();
    await setImmediate();
    expect(hasLeft()).toBe(false);
  });
});
