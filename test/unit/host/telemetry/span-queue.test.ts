import { resourceFromAttributes } from '@opentelemetry/resources';
import { expect, it } from 'vitest';
import { Id } from '../../../../src/host/telemetry/id.ts';
import { JsonSpans } from '../../../../src/host/telemetry/json-spans.ts';
import { ProtobufSpans } from '../../../../src/host/telemetry/protobuf-spans.ts';
import { SentSpan } from '../../../../src/host/telemetry/sent-span.ts';
import { SpanQueue } from '../../../../src/host/telemetry/span-queue.ts';
import { spansIn } from '../../../support/protobuf.ts';

const origin = { resource: resourceFromAttributes({}), scope: { name: 'parley' } };

/** Adds spans with numbers as names, and returns the numbers of spans that then waited. */
function addTo(queue: SpanQueue, from: number, to: number): number[] {
  const sizes: number[] = [];
  for (let name = from; name < to; name++) {
    const take = (span: SentSpan) => sizes.push(queue.add(span));
    new SentSpan({ name: `${name}`, kind: 'internal' }, Id.random(16), undefined, take).end();
  }
  return sizes;
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => `${from + at}`);

/** The names of the spans of the next request. */
function namesTaken(queue: SpanQueue): string[] | undefined {
  const request = queue.take();
  return request && spansIn(Buffer.from(request)).map(({ name }) => name);
}

it('gives out spans in the order in which they ended, at most 1,024 at once', () => {
  const queue = new SpanQueue(new ProtobufSpans(origin));
  expect(namesTaken(queue)).toBeUndefined();
  expect(addTo(queue, 0, 1_200).at(-1)).toBe(1_200);
  expect(namesTaken(queue)).toEqual(numbers(0, 1_024));
  expect(queue.size).toBe(176);
  // A request is full with what came before and after it was asked for.
  addTo(queue, 1_200, 2_054);
  expect(namesTaken(queue)).toEqual(numbers(1_024, 2_048));
  expect(namesTaken(queue)).toEqual(numbers(2_048, 2_054));
  expect(queue.size).toBe(0);
  // A single span is not kept until there are more.
  for (const name of [1, 2, 3]) {
    expect(addTo(queue, name, name + 1)).toEqual([1]);
    expect(namesTaken(queue)).toEqual([`${name}`]);
  }
  addTo(queue, 0, 1_042);
  expect([namesTaken(queue)?.length, namesTaken(queue)?.length]).toEqual([1_024, 18]);
  expect(namesTaken(queue)).toBeUndefined();
});

it('drops the newest of too many, and says how many', () => {
  const queue = new SpanQueue(new ProtobufSpans(origin));
  const sizes = addTo(queue, 0, 4_148);
  expect(sizes.slice(0, 4_096)).toEqual(Array.from({ length: 4_096 }, (_, at) => at + 1));
  expect(new Set(sizes.slice(4_096))).toEqual(new Set([4_096]));
  expect([queue.takeDropped(), queue.takeDropped()]).toEqual([52, 0]);
  expect(namesTaken(queue)).toEqual(numbers(0, 1_024));
  expect(addTo(queue, 4_148, 4_149)).toEqual([3_073]);
  const left = [1, 2, 3, 4].flatMap(() => namesTaken(queue) ?? []);
  expect(left).toEqual([...numbers(1_024, 4_096), '4148']);
});

it('gives out JSON, too', () => {
  const queue = new SpanQueue(new JsonSpans(origin));
  addTo(queue, 0, 20);
  const taken = new TextDecoder().decode(queue.take());
  const names = Array.from(taken.matchAll(/"name":"(\d+)"/gu), ([, name]) => name);
  expect(names).toEqual(numbers(0, 20));
  expect(queue.take()).toBeUndefined();
});
