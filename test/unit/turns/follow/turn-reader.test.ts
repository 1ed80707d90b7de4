import { describe, expect, it } from 'vitest';
import type { RunningTurn } from '../../../../src/turns/run/running-turn.ts';
import type { Sink } from '../../../../src/turns/follow/sink.ts';
import { KeepAliveTimer } from '../../../../src/turns/follow/keep-alive-timer.ts';
import { Subscription } from '../../../../src/turns/follow/subscription.ts';
import { nativeSse } from '../../../../src/wire/native-sse.ts';
import { finish, newRunningTurn } from '../running-turn.ts';

function open(turn: RunningTurn, { keepAliveMs = 60_000, onLeave = () => {} } = {}) {
  const options = { wire: nativeSse, startAt: 'start', initialId: false } as const;
  const keepAlive = new KeepAliveTimer(keepAliveMs);
  const reader = new Subscription({ source: turn, ...options, keepAlive, onLeave })
    .readable()
    .getReader();
  const decoder = new TextDecoder();
  return {
    async read(): Promise<string | undefined> {
      const { done, value } = await reader.read();
      return done ? undefined : decoder.decode(value);
    },
    leave: () => reader.cancel(),
  };
}

const deltas = (text: string) =>
  [...text.matchAll(/event: message\.delta\ndata: (.*)\n/gu)].map(
    ([, data = '']) => (JSON.parse(data) as { text: string }).text,
  );

describe('a turn reader', () => {
  it('sends turn.started before any delta', async () => {
    expect(await open(newRunningTurn()).read()).toMatch(/^id: \S+\nevent: turn\.started\n/u);
  });

  it('gets each delta as it arrives when it keeps up', async () => {
    const turn = newRunningTurn();
    const reader = open(turn);
    await reader.read();
    for (const delta of ['a', 'b', 'c']) {
      turn.append('text', delta);
      expect(deltas((await reader.read()) ?? '')).toEqual([delta]);
    }
  });

  it('gets one larger delta when it falls behind', async () => {
    const turn = newRunningTurn();
    const reader = open(turn);
    for (let index = 0; index < 1_000; index += 1) turn.append('text', 'token ');
    finish(turn);
    expect(deltas((await reader.read()) ?? '')).toEqual(['token '.repeat(1_000)]);
    expect(await reader.read()).toBeUndefined();
  });

  it('gets a long text in pieces and never half a surrogate pair', async () => {
    const turn = newRunningTurn();
    const whole = `x${'😀'.repeat(100_000)}`;
    for (let at = 0; at < whole.length; at += 7) turn.append('text', whole.slice(at, at + 7));
    finish(turn);
    const reader = open(turn);
    const pieces: string[] = [];
    for (let text = await reader.read(); text !== undefined; text = await reader.read())
      pieces.push(...deltas(text));
    expect(pieces.join('')).toBe(whole);
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.every((piece) => piece.length <= 32_768 && piece.isWellFormed())).toBe(true);
  });

  it('buffers at most one piece while its client reads nothing', () => {
    const turn = newRunningTurn();
    turn.append('text', 'word '.repeat(100_000));
    finish(turn);
    const written: string[] = [];
    let drain = () => {};
    let end: string | undefined;
    const sink: Sink = {
      write: (text) => written.push(text) < 0,
      end: (text) => (end = text),
      fail: (error) => {
        throw error;
      },
      onDrain: (callback) => (drain = callback),
      onClose: () => undefined,
    };
    const view = {
      wire: nativeSse,
      startAt: 'start',
      initialId: false,
      keepAlive: new KeepAliveTimer(60_000),
    } as const;
    new Subscription({ source: turn, ...view, onLeave: () => undefined }).pipe(sink);
    expect(written).toHaveLength(1);
    expect(written[0]?.length).toBeLessThan(35_000);
    for (let count = 2; end === undefined; count++) {
      drain();
      if (end === undefined) expect(written).toHaveLength(count);
    }
    expect(deltas(written.join('') + end).join('')).toBe('word '.repeat(100_000));
  });

  it('gets the same text as other readers, however their reads interleave', async () => {
    const turn = newRunningTurn();
    const [quick, slow] = [open(turn), open(turn)];
    let heard = '';
    const follow = (async () => {
      for (let text = await quick.read(); text !== undefined; text = await quick.read())
        heard += deltas(text).join('');
    })();
    for (const delta of ['Hel', 'lo ', '😀', '!']) {
      turn.append('text', delta);
      await new Promise((resolve) => setImmediate(resolve));
    }
    finish(turn);
    await follow;
    expect(heard).toBe('Hello 😀!');
    expect(deltas((await slow.read()) ?? '')).toEqual(['Hello 😀!']);
  });

  it('gets a keep-alive comment only when nothing else was sent', async () => {
    const turn = newRunningTurn();
    const reader = open(turn, { keepAliveMs: 20 });
    await reader.read();
    expect(await reader.read()).toBe(': keep-alive\n\n');
    turn.append('text', 'a');
    expect(deltas((await reader.read()) ?? '')).toEqual(['a']);
    finish(turn);
    expect(await reader.read()).toContain('data: [DONE]');
    expect(await reader.read()).toBeUndefined();
  });

  it('is counted out when it leaves before the end', async () => {
    const turn = newRunningTurn();
    let left = 0;
    const reader = open(turn, { keepAliveMs: 5, onLeave: () => (left += 1) });
    await reader.read();
    await reader.leave();
    turn.append('text', 'a');
    finish(turn);
    expect(left).toBe(1);
  });

  it('does not count as leaving when the turn has ended', async () => {
    const turn = newRunningTurn();
    let left = 0;
    const reader = open(turn, { onLeave: () => (left += 1) });
    finish(turn);
    while ((await reader.read()) !== undefined);
    await reader.leave();
    expect(left).toBe(0);
  });
});
