import { expect, it } from 'vitest';
import { streamTurn } from '../../src/turns/reader.ts';
import { readOutcome } from '../../src/wire/outcome.ts';
import { finish, liveTurn } from './live-turn.ts';

function waiting(signal?: AbortSignal) {
  const live = liveTurn();
  let hasLeft = false;
  const body = streamTurn({
    source: live,
    wire: 'outcome',
    startAt: 'start',
    announce: false,
    keepAliveMs: 60_000,
    onLeave: () => (hasLeft = true),
  });
  return { live, outcome: readOutcome(body, signal), hasLeft: () => hasLeft };
}

it('waits for the end of a turn', async () => {
  const { live, outcome, hasLeft } = waiting();
  live.append('text', 'said');
  finish(live);
  expect((await outcome).message.status).toBe('complete');
  expect(hasLeft()).toBe(false);
});

it('leaves the turn when whoever waits goes', async () => {
  const gone = new AbortController();
  const { outcome, hasLeft } = waiting(gone.signal);
  gone.abort();
  await expect(outcome).rejects.toThrow();
  expect(hasLeft()).toBe(true);
});

it('leaves the turn at once when whoever waits has gone before', async () => {
  const { outcome, hasLeft } = waiting(AbortSignal.abort());
  await expect(outcome).rejects.toThrow();
  expect(hasLeft()).toBe(true);
});
