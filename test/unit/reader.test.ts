import { describe, expect, it } from 'vitest';
import type { LiveTurn } from '../../src/turns/live-turn.ts';
import { streamTurn } from '../../src/turns/reader.ts';
import { finish, liveTurn } from './live-turn.ts';

function open(live: LiveTurn, { keepAliveMs = 60_000, onLeave = () => {} } = {}) {
  const options = { wire: 'native', startAt: 'start', announce: false } as const;
  const reader = streamTurn({ source: live, ...options, keepAliveMs, onLeave }).getReader();
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

describe('a reader', () => {
  it('says that the turn has started before there is anything else', async () => {
    expect(await open(liveTurn()).read()).toMatch(/^id: \S+\nevent: turn\.started\n/u);
  });

  it('gets each delta when it comes, if it keeps up', async () => {
    const live = liveTurn();
    const reader = open(live);
    await reader.read();
    for (const delta of ['a', 'b', 'c']) {
      live.append('text', delta);
      expect(deltas((await reader.read()) ?? '')).toEqual([delta]);
    }
  });

  it('gets one larger delta, if it does not', async () => {
    const live = liveTurn();
    const reader = open(live);
    for (let index = 0; index < 1_000; index += 1) live.append('text', 'token ');
    finish(live);
    expect(deltas((await reader.read()) ?? '')).toEqual(['token '.repeat(1_000)]);
    expect(await reader.read()).toBeUndefined();
  });

  it('gets the same as any other, whenever each of them looks', async () => {
    const live = liveTurn();
    const [quick, slow] = [open(live), open(live)];
    let heard = '';
    const follow = (async () => {
      for (let text = await quick.read(); text !== undefined; text = await quick.read())
        heard += deltas(text).join('');
    })();
    for (const delta of ['Hel', 'lo ', '😀', '!']) {
      live.append('text', delta);
      await new Promise((resolve) => setImmediate(resolve));
    }
    finish(live);
    await follow;
    expect(heard).toBe('Hello 😀!');
    expect(deltas((await slow.read()) ?? '')).toEqual(['Hello 😀!']);
  });

  it('gets a comment where nothing else comes, and only there', async () => {
    const live = liveTurn();
    const reader = open(live, { keepAliveMs: 20 });
    await reader.read();
    expect(await reader.read()).toBe(': keep-alive\n\n');
    live.append('text', 'a');
    expect(deltas((await reader.read()) ?? '')).toEqual(['a']);
    finish(live);
    expect(await reader.read()).toContain('data: [DONE]');
    expect(await reader.read()).toBeUndefined();
  });

  it('is noticed when it leaves, and costs nothing after', async () => {
    const live = liveTurn();
    let left = 0;
    const reader = open(live, { keepAliveMs: 5, onLeave: () => (left += 1) });
    await reader.read();
    await reader.leave();
    live.append('text', 'a');
    finish(live);
    expect(left).toBe(1);
  });

  it('has not left when the turn has ended', async () => {
    const live = liveTurn();
    let left = 0;
    const reader = open(live, { onLeave: () => (left += 1) });
    finish(live);
    while ((await reader.read()) !== undefined);
    await reader.leave();
    expect(left).toBe(0);
  });
});
