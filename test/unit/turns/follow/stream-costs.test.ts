/**
 * What a token may cost, as counts that no busy machine changes: bytes on the wire, writes to the
 * connection, parts taken from the network.
 */
import { setImmediate } from 'node:timers/promises';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { directAnswer } from '../../../../src/models/fast-path/direct-answer.ts';
import { OPENAI_CHUNKS } from '../../../../src/models/provider-stream/canonical-chunk.ts';
import type { Sink } from '../../../../src/turns/follow/sink.ts';
import { KeepAliveTimer } from '../../../../src/turns/follow/keep-alive-timer.ts';
import { Subscription } from '../../../../src/turns/follow/subscription.ts';
import { nativeSse } from '../../../../src/wire/native-sse.ts';
import { textSse } from '../../../../src/wire/text-sse.ts';
import { websocketFrames } from '../../../../src/wire/websocket-frames.ts';
import type { Encoder, Wire } from '../../../../src/wire/wire.ts';
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
    keepAlive: new KeepAliveTimer(60_000),
  } as const;
  new Subscription({ source: turn, ...view, onLeave: () => undefined }).pipe(sink);
  return counted;
}

/** Collects what is young, or everything. */
type Collect = (options?: { type: 'minor' }) => void;

/**
 * Bytes that have survived two collections of the young, whether anybody can still reach them or
 * not.
 */
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
  await turns(1_000);
  const withGarbage = oldBytes();
  // What stays now is in use, such as what the compiler has learned meanwhile.
  collect();
  expect((withGarbage - oldBytes()) / 1_000).toBeLessThan(1_000);
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

describe('many readers of one turn', () => {
  /** Follows a turn, and collects what is written. */
  function collect(live: ReturnType<typeof newRunningTurn>, wire: Wire) {
    const collected = { text: '', ownWrites: 0, buffers: [] as Uint8Array[] };
    const write = (text: string, bytes?: Uint8Array) => {
      collected.text += text;
      if (bytes) {
        expect(new TextDecoder().decode(bytes)).toBe(text);
        collected.buffers.push(bytes);
      } else collected.ownWrites += 1;
      return true;
    };
    const sink: Sink = {
      write,
      end: write,
      fail: (error) => {
        throw error;
      },
      onDrain: () => undefined,
      onClose: () => undefined,
    };
    const view = { startAt: 'start', initialId: false, keepAlive } as const;
    new Subscription({ source: live, wire, ...view, onLeave: () => undefined }).pipe(sink);
    return collected;
  }

  /** Counts how often a text is encoded, by all readers. */
  function counting(wire: Wire) {
    const counted = { texts: 0 };
    const encoder = () => {
      const { text, ...others } = wire.encoder();
      const counter: Encoder['text'] = (...given) => {
        counted.texts += 1;
        return text(...given);
      };
      return { ...others, text: counter };
    };
    return { counted, wire: { ...wire, encoder } };
  }

  const keepAlive = new KeepAliveTimer(60_000);
  const READERS = 50;
  const DELTAS = 10;

  async function tellAll(wire: Wire) {
    const live = newRunningTurn();
    const readers = Array.from({ length: READERS }, () => collect(live, wire));
    for (let index = 0; index < DELTAS; index += 1) {
      live.append('text', `${index} → `);
      await setImmediate();
    }
    finish(live);
    await setImmediate();
    return readers;
  }

  it('cost one encoding for each delta, as text and as bytes', async () => {
    const { counted, wire } = counting(nativeSse);
    const readers = await tellAll(wire);
    expect(counted.texts).toBe(DELTAS);
    // The start, the deltas and the end: the first reader takes text, the others the same bytes.
    const buffers = new Set(readers.flatMap((reader) => reader.buffers));
    expect(buffers.size).toBe(DELTAS + 2);
    expect(readers.filter(({ ownWrites }) => ownWrites > 0)).toHaveLength(1);
  });

  it('get the same events, whether they join at the start or in the middle', async () => {
    const live = newRunningTurn();
    const early = [collect(live, nativeSse), collect(live, nativeSse)];
    live.append('text', 'one ');
    await setImmediate();
    const late = [collect(live, nativeSse), collect(live, textSse), collect(live, nativeSse)];
    live.append('text', 'two');
    await setImmediate();
    finish(live);
    await setImmediate();
    expect(early[1]?.text).toBe(early[0]?.text);
    expect(late.map(({ text }) => text.includes('turn.started'))).toEqual([true, false, true]);
    for (const { text } of [...early, ...late]) {
      expect(text.match(/one /g)).not.toBeNull();
      expect(text.endsWith('[DONE]\n\n')).toBe(true);
    }
    // The first two heard the second delta at the same place as the late ones.
    const afterFirst = (text: string) => text.slice(text.indexOf('one '));
    expect(afterFirst(late[2]?.text ?? '')).toBe(afterFirst(early[0]?.text ?? ''));
  });

  it('encode for themselves where an encoder remembers what it told', async () => {
    const { counted, wire } = counting(websocketFrames);
    await tellAll(wire);
    expect(counted.texts).toBe(READERS * DELTAS);
  });

  it('are told although one of them cannot be written to', async () => {
    const live = newRunningTurn();
    const failures: unknown[] = [];
    const broken: Sink = {
      write: () => {
        throw new Error('this sink is broken');
      },
      end: () => undefined,
      fail: (error) => failures.push(error),
      onDrain: () => undefined,
      onClose: () => undefined,
    };
    const view = { wire: textSse, startAt: 'start', initialId: false, keepAlive } as const;
    new Subscription({ source: live, ...view, onLeave: () => undefined }).pipe(broken);
    const whole = collect(live, nativeSse);
    live.append('text', 'all of it');
    await setImmediate();
    expect(failures).toHaveLength(1);
    expect(whole.text).toContain('all of it');
  });

  it('share one timer, which ends with the last of them', () => {
    vi.useFakeTimers();
    const timer = new KeepAliveTimer(60_000);
    const listeners = Array.from({ length: READERS }, () => ({ onQuarter: vi.fn<() => void>() }));
    for (const listener of listeners) timer.add(listener);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(15_000);
    for (const listener of listeners) expect(listener.onQuarter).toHaveBeenCalledOnce();
    for (const listener of listeners) timer.remove(listener);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });
});

it('the plain deltas of one network read are one text, and the provider sees nothing of them', () => {
  const told: string[] = [];
  const { reader, response } = directAnswer(OPENAI_CHUNKS, 2_000, (part) => {
    if (part.type === 'text-delta') told.push(part.delta);
  });
  void response.then(() => told.push('shown to the provider'));
  const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: TOKEN } }] })}\n\n`;
  reader.push(Buffer.from(event.repeat(TOKENS)));
  expect(told).toEqual([TOKEN.repeat(TOKENS)]);
});
