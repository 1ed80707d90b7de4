/** What a token may cost, as counts that no busy machine changes: bytes on the wire, writes to the connection, parts taken from the network. */
import { setImmediate } from 'node:timers/promises';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { directAnswer } from '../../../../src/models/fast-path/direct-answer.ts';
import { OPENAI_CHUNKS } from '../../../../src/models/provider-stream/canonical-chunk.ts';
import type { Sink } from '../../../../src/turns/follow/sink.ts';
import { Subscription } from '../../../../src/turns/follow/subscription.ts';
import { nativeSse } from '../../../../src/wire/native-sse.ts';
import { finish, newRunningTurn } from '../running-turn.ts';

const TOKENS = 500;
/** Of the length that tokens have in English. */
const TOKEN = 'word ';

/** Follows a turn and counts what reaches the connection. */
function follow(turn: ReturnType<typeof newRunningTurn>) {
  const counted = { writes: 0, bytes: 0, ended: false };
  const write = (text: string) => {
    counted.writes += 1;
    counted.bytes += Buffer.byteLength(text);
    return true;
  };
  const sink: Sink = {
    write,
    end: (text) => (counted.ended = write(text)),
    fail: (error) => {
      throw error;
    },
    onDrain: () => undefined,
    onClose: () => undefined,
  };
  const view = {
    wire: nativeSse,
    startAt: 'start',
    initialId: false,
    keepAliveMs: 60_000,
  } as const;
  new Subscription({ source: turn, ...view, onLeave: () => undefined }).pipe(sink);
  return counted;
}

/** Collects what is young, or everything. */
type Collect = (options?: { type: 'minor' }) => void;

/** Bytes that have survived two collections of the young, whether anybody can still reach them or not. */
function oldBytes(): number {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space');
  return space?.space_used_size ?? Number.NaN;
}

it('a finished turn leaves no garbage in the old space', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  const turns = async (count: number) => {
    for (let index = 0; index < count; index += 1) {
      const turn = newRunningTurn();
      const counted = follow(turn);
      turn.append('text', TOKEN);
      finish(turn);
      await setImmediate();
      expect(counted.ended).toBe(true);
      if (index % 50 === 0) collect({ type: 'minor' });
    }
  };
  await turns(300);
  collect();
  const before = oldBytes();
  await turns(1_000);
  expect((oldBytes() - before) / 1_000).toBeLessThan(1_000);
});

describe('a turn of 500 tokens', () => {
  it('is written three times, in few bytes, when its tokens arrive at once', async () => {
    const turn = newRunningTurn();
    const counted = follow(turn);
    for (let index = 0; index < TOKENS; index += 1) turn.append('text', TOKEN);
    await setImmediate();
    await setImmediate();
    finish(turn);
    await setImmediate();
    expect(counted.ended).toBe(true);
    // The start, the text, the end.
    expect(counted.writes).toBeLessThanOrEqual(3);
    // The text is told twice, by its deltas and by the message that is stored.
    expect(counted.bytes).toBeLessThan(2 * TOKENS * TOKEN.length + 2_000);
  });

  it('is written once for each token, in 36 KB, when they arrive one by one', async () => {
    const turn = newRunningTurn();
    const counted = follow(turn);
    for (let index = 0; index < TOKENS; index += 1) {
      turn.append('text', TOKEN);
      await setImmediate();
      await setImmediate();
    }
    finish(turn);
    await setImmediate();
    expect(counted.writes).toBeLessThanOrEqual(TOKENS + 2);
    expect(counted.writes).toBeGreaterThan(TOKENS / 2);
    expect(counted.bytes).toBeLessThan(36_000);
  });
});

it('the plain deltas of one network read become one text and bypass the provider', () => {
  const told: string[] = [];
  const { reader, response } = directAnswer(OPENAI_CHUNKS, 2_000, (part) => {
    if (part.type === 'text-delta') told.push(part.delta);
  });
  void response.then(() => told.push('shown to the provider'));
  const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: TOKEN } }] })}\n\n`;
  reader.push(Buffer.from(event.repeat(TOKENS)));
  expect(told).toEqual([TOKEN.repeat(TOKENS)]);
});
