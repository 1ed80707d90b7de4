/** How much is kept of finished turns, and for how long. */
import { afterEach, expect, it, vi } from 'vitest';
import { newId } from '../../../../src/core/ids.ts';
import { ONLY_CHILD, type StoredTurn } from '../../../../src/core/message.ts';
import { KeptTurns } from '../../../../src/turns/follow/kept-turns.ts';
import { endedTurn } from '../running-turn.ts';

afterEach(() => {
  vi.useRealTimers();
});

function newTurn(length: number): StoredTurn {
  return endedTurn('x'.repeat(length));
}

const standingOf = ({ head: { turnId, conversationId, title } }: StoredTurn) => ({
  turnId,
  conversationId,
  title,
  siblings: ONLY_CHILD,
  readAfter: 0,
});

it('a turn is kept for ten seconds, however often it is read', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const kept = new KeptTurns({ writes: 0 });
  const turn = newTurn(5);
  const source = kept.keep(turn);
  vi.advanceTimersByTime(9_000);
  expect(kept.find(standingOf(turn))).toBe(source);
  vi.advanceTimersByTime(2_000);
  expect(kept.find(standingOf(turn))).toBeUndefined();
  expect(kept.has(turn.head.turnId)).toBe(false);
});

it('a turn whose title or siblings have changed is forgotten', () => {
  const kept = new KeptTurns({ writes: 0 });
  const turn = newTurn(5);
  for (const change of [{ title: 'new' }, { siblings: { index: 1, count: 2 } }]) {
    kept.keep(turn);
    expect(kept.find({ ...standingOf(turn), ...change })).toBeUndefined();
    expect(kept.find(standingOf(turn))).toBeUndefined();
  }
});

it('the oldest turns make room, and the kept ones never exceed a million units', () => {
  const kept = new KeptTurns({ writes: 0 });
  const turns = Array.from({ length: 12 }, () => newTurn(100_000));
  for (const turn of turns) kept.keep(turn);
  const isKept = turns.map(({ head }) => kept.has(head.turnId));
  expect(isKept).toEqual([...Array(3).fill(false), ...Array(9).fill(true)]);
  const long = newTurn(1_000_001);
  expect(kept.keep(long).outcome?.message).toBe(long.message);
  expect(kept.has(long.head.turnId)).toBe(false);
  expect(kept.has(newId())).toBe(false);
});

it('a turn is read without being looked at again for a moment, while nothing is written', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const db = { writes: 3 };
  const kept = new KeptTurns(db);
  const turn = newTurn(5);
  const { turnId } = turn.head;
  const source = kept.keep(turn);
  expect(kept.seen(turnId)).toBeUndefined();
  const look = (readAfter: number) => kept.find({ ...standingOf(turn), readAfter });

  look(3);
  expect(kept.seen(turnId)).toBe(source);
  vi.advanceTimersByTime(101);
  expect(kept.seen(turnId)).toBeUndefined();

  look(3);
  db.writes++;
  expect(kept.seen(turnId)).toBeUndefined();
  // What was read before the write says nothing about what came after it.
  look(3);
  expect(kept.seen(turnId)).toBeUndefined();
  look(4);
  expect(kept.seen(turnId)).toBe(source);
});
