import { expect, it } from 'vitest';
import type { SpanStart } from '../../../../src/core/telemetry.ts';
import { Id } from '../../../../src/host/telemetry/id.ts';
import { SentSpan, UnsentSpan } from '../../../../src/host/telemetry/sent-span.ts';

const TRACE = Id.from('a'.repeat(32));
const begin = (start: Partial<SpanStart>, parent?: SentSpan) =>
  new SentSpan({ name: 'asked', kind: 'internal', ...start }, TRACE, parent, () => undefined);

it('says how long it lasted, from the beginning that it was given', () => {
  const span = begin({ startedAt: Date.now() - 2_000 });
  const seconds = span.end();
  expect(seconds).toBeGreaterThan(1.9);
  expect(seconds).toBeCloseTo((span.endedAt - span.startedAt) / 1_000, 3);
  // It ends once.
  const { endedAt } = span;
  expect(span.end('late')).toBeCloseTo(seconds, 3);
  expect(span).toMatchObject({ endedAt, hasFailed: false });
  expect(new UnsentSpan(TRACE).end()).toBeLessThan(1);
  const unsent = new UnsentSpan(TRACE, { startedAt: Date.now() - 2_000 });
  expect(unsent.end()).toBeGreaterThan(1.9);
});

it('lies within the span that it is part of, whatever the clock was set to meanwhile', () => {
  const parent = begin({});
  // As if the clock had been set forward by an hour since the parent has begun.
  const hour = 3_600_000;
  Object.assign(parent, { startedAt: parent.startedAt - hour });
  const child = begin({}, parent);
  child.end();
  parent.end();
  expect(child.startedAt).toBeGreaterThanOrEqual(parent.startedAt);
  // Times since 1970 are rounded to a quarter of a microsecond.
  expect(child.endedAt).toBeLessThanOrEqual(parent.endedAt + 0.001);
  expect(child.endedAt).toBeLessThan(Date.now() - hour + 60_000);
});

it('crosses a network as its traceparent', () => {
  for (const span of [begin({}), new UnsentSpan(TRACE)])
    expect(JSON.parse(JSON.stringify({ span }))).toEqual({ span: span.traceparent });
});

it('is told later with the times at which it began and ended', () => {
  const parent = begin({});
  const begunAt = parent.begunAt + 10;
  for (const above of [parent, undefined]) {
    const span = begin({ begunAt }, above);
    expect(span.end(undefined, begunAt + 250)).toBeCloseTo(0.25, 6);
    expect(span.startedAt - parent.startedAt).toBeCloseTo(10, -1);
    expect(span.endedAt - span.startedAt).toBeCloseTo(250, 3);
  }
  expect(new UnsentSpan(TRACE, { begunAt }).end(undefined, begunAt + 250)).toBeCloseTo(0.25, 6);
});
