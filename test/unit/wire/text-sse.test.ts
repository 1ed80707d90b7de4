import { expect, it } from 'vitest';
import { SseParser, type SseEvent } from '../../support/sse-parser.ts';
import { decodeCursor } from '../../../src/core/cursor.ts';
import { terminalEvent, type Status } from '../../../src/core/message.ts';
import type { RunningTurn } from '../../../src/turns/run/running-turn.ts';
import { KeepAliveTimer } from '../../../src/turns/follow/keep-alive-timer.ts';
import { Subscription } from '../../../src/turns/follow/subscription.ts';
import { nativeSse } from '../../../src/wire/native-sse.ts';
import { textSse } from '../../../src/wire/text-sse.ts';
import type { Wire } from '../../../src/wire/wire.ts';
import { finish, newRunningTurn } from '../turns/running-turn.ts';

/** Opens a reader, feeds one delta at a time and lets it be read before the next. */
async function stream(
  deltas: string[],
  { wire = textSse, status = 'complete' }: { wire?: Wire; status?: Status } = {},
): Promise<{ turn: RunningTurn; events: SseEvent[]; bytes: string }> {
  const turn = newRunningTurn();
  const events: SseEvent[] = [];
  const parser = new SseParser(
    (event) => events.push(event),
    () => undefined,
  );
  const options = {
    startAt: 'start',
    initialId: true,
    keepAlive: new KeepAliveTimer(60_000),
  } as const;
  const reader = new Subscription({
    source: turn,
    wire,
    ...options,
    onLeave: () => undefined,
  })
    .readable()
    .getReader();
  let bytes = '';
  const decoder = new TextDecoder();
  const readOne = async () => {
    const { done, value } = await reader.read();
    if (done) return false;
    parser.push(Buffer.from(value));
    bytes += decoder.decode(value, { stream: true });
    return true;
  };
  await readOne();
  for (const delta of deltas) {
    turn.append('text', delta);
    // What a wire does not show (the second half of a CR LF) leaves the reader waiting.
    await Promise.race([readOne(), new Promise((resolve) => setTimeout(resolve, 5))]);
  }
  finish(turn, status);
  while (await readOne());
  return { turn, events, bytes };
}

/** What a client that joins the text of its messages has, and how the stream ended. */
function heard(events: SseEvent[]) {
  const end = events.at(-1);
  const messages = events.filter((event) => event.type === 'message').slice(0, -1);
  return { text: messages.map((event) => event.data).join(''), end: end?.data };
}

/** Line breaks of any kind arrive as `\n`. */
const normalised = (deltas: string[]) => deltas.join('').replace(/\r\n?/gu, '\n');

const awkward: [name: string, deltas: string[]][] = [
  ['words', ['Hello', ' world']],
  ['leading spaces', [' one', '  two', '   ']],
  ['a line break', ['a\nb']],
  ['line breaks at the edges', ['\na', 'b\n', '\n', '\n\nc']],
  ['nothing but line breaks', ['\n', '\r', '\n', '\n\r']],
  ['a carriage return', ['a\rb', 'c\r', 'd']],
  ['a CR LF in one delta', ['a\r\nb\r\n\r\n']],
  ['a CR LF over two deltas', ['a\r', '\nb']],
  ['a CR LF over two deltas, alone', ['\r', '\n']],
  ['CR CR LF over three deltas', ['\r', '\r', '\n', '\n']],
  ['what only looks like a line break', ['a\u2028b\u2029c\u0085d\u000Be']],
  ['an emoji', ['😀', '👩‍🚀']],
  [
    'text that looks like SSE',
    ['x\n\nevent: turn.failed\ndata: [DONE]\n\n', 'id: 1\nretry: 1\n:c\n'],
  ],
  ['a field name at the beginning', ['data: x', 'id: y', ': z', 'event: w\n', '\ndata: v']],
  ['the end marker itself', ['[DONE]']],
  ['the end marker within', ['a', '[DONE]', 'b']],
  ['the end marker after half a CR LF', ['a\r', '\n[DONE]', 'b']],
  ['the end marker in pieces', ['[DO', 'NE]']],
  ['the end marker on a line', ['[DONE]\n', '\n[DONE]']],
];

it.each(awkward)('the text-only wire carries %s', async (_name, deltas) => {
  const { events } = await stream(deltas);
  expect(heard(events)).toEqual({ text: normalised(deltas), end: '[DONE]' });
  expect(events.filter((event) => event.data === '[DONE]')).toHaveLength(1);
  expect(new Set(events.map((event) => event.type))).toEqual(new Set(['message']));
});

it.each(awkward)('the native wire carries %s', async (_name, deltas) => {
  const { events, bytes } = await stream(deltas, { wire: nativeSse });
  const text = events
    .filter((event) => event.type === 'message.delta')
    .map((event) => (JSON.parse(event.data) as { text: string }).text);
  expect(text.join('')).toBe(deltas.join(''));
  // One line of JSON for each event, and no other kind of line.
  for (const line of bytes.split('\n')) expect(line).toMatch(/^(?:(?:id|event|data): [^\r\n]+)?$/u);
  expect(events.at(-1)).toMatchObject({ type: 'done', data: '[DONE]', hasOwnId: false });
});

it.each(awkward)(
  'a text-only client that comes back after any event of %s has the same',
  async (_name, deltas) => {
    const { turn, events } = await stream(deltas);
    for (const [index, event] of events.slice(0, -1).entries()) {
      const { at } = decodeCursor(event.id);
      if (typeof at === 'string') throw new Error(`${event.id} is no place`);
      const rest: SseEvent[] = [];
      const parser = new SseParser(
        (later) => rest.push(later),
        () => undefined,
      );
      const options = {
        wire: textSse,
        startAt: at,
        initialId: true,
        keepAlive: new KeepAliveTimer(60_000),
      } as const;
      const subscription = new Subscription({ source: turn, ...options, onLeave: () => undefined });
      const body = subscription.readable();
      for await (const bytes of body) parser.push(Buffer.from(bytes));
      const before = events.slice(0, index + 1).map((earlier) => earlier.data);
      expect(before.join('') + heard(rest).text, `after event ${index}`).toBe(normalised(deltas));
    }
  },
);

it.each(['complete', 'truncated', 'filtered', 'cancelled', 'interrupted', 'failed'] as const)(
  'a %s turn ends by its one terminal event and the end marker',
  async (status) => {
    const native = await stream(['text'], { wire: nativeSse, status });
    expect(native.events.map((event) => event.type)).toEqual([
      'turn.started',
      'message.delta',
      terminalEvent(status),
      'done',
    ]);
    const text = await stream(['text'], { status });
    const named = terminalEvent(status) === 'turn.completed' ? [] : [terminalEvent(status)];
    expect(text.events.map((event) => event.type)).toEqual(['message', ...named, 'message']);
    expect(text.events.at(-1)?.data).toBe('[DONE]');
  },
);
