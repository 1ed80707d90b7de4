import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { runOf } from '../../../../src/turns/follow/wait-for-end.ts';
import type { TurnSource } from '../../../../src/turns/follow/turn-source.ts';
import type { RunningTurn } from '../../../../src/turns/run/running-turn.ts';
import { finish, newRunningTurn } from '../running-turn.ts';

/** A turn that runs here, and one that is only told of each change. */
const sources: [name: string, of: (turn: RunningTurn) => TurnSource][] = [
  ['runs here', (turn) => turn],
  [
    'is looked up',
    (turn) => ({
      head: turn.head,
      parts: turn.parts,
      get outcome() {
        return turn.outcome;
      },
      onChange: (callback) => turn.onChange(callback),
    }),
  ],
];

describe.each(sources)('waiting for the end of a turn that %s', (_, of) => {
  function waiting(signal?: AbortSignal) {
    const turn = newRunningTurn();
    let hasLeft = false;
    const run = runOf(of(turn), () => (hasLeft = true));
    return { turn, finished: run.finished(signal), hasLeft: () => hasLeft };
  }

  it('gives the turn when it is over', async () => {
    const { turn, finished, hasLeft } = waiting();
    turn.append('text', 'said');
    await setImmediate();
    turn.append('text', ' and done');
    finish(turn);
    const { message, head } = await finished;
    expect(head).toBe(turn.head);
    expect(message).toMatchObject({
      status: 'complete',
      parts: [{ type: 'text', text: 'said and done' }],
    });
    expect(hasLeft()).toBe(false);
  });

  it('leaves the turn when the client goes', async () => {
    const gone = new AbortController();
    const { finished, hasLeft } = waiting(gone.signal);
    gone.abort();
    await expect(finished).rejects.toThrow();
    await vi.waitFor(() => expect(hasLeft()).toBe(true));
  });

  it('leaves the turn at once when the client has gone before', async () => {
    const { finished, hasLeft } = waiting(AbortSignal.abort());
    await expect(finished).rejects.toThrow();
    await vi.waitFor(() => expect(hasLeft()).toBe(true));
  });

  it('does not leave the turn when the client goes after the end', async () => {
    const gone = new AbortController();
    const { turn, finished, hasLeft } = waiting(gone.signal);
    finish(turn);
    await finished;
    gone.abort();
    await setImmediate();
    expect(hasLeft()).toBe(false);
  });
});
