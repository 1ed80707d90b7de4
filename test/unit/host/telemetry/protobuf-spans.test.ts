/** Spans are written as the collector's package writes them. */
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { expect, it } from 'vitest';
import type { Attributes, SpanStart } from '../../../../src/core/telemetry.ts';
import { Id } from '../../../../src/host/telemetry/id.ts';
import { readableSpan } from '../../../../src/host/telemetry/json-spans.ts';
import { ProtobufSpans } from '../../../../src/host/telemetry/protobuf-spans.ts';
import { SentSpan } from '../../../../src/host/telemetry/sent-span.ts';
import { placeFrom } from '../../../../src/host/telemetry/span-place.ts';

const TRACE = Id.from('0af7651916cd43dd8448eb211c80319c');
const PARENT = placeFrom(`00-${TRACE.digits}-b7ad6b7169203331-01`, false);
const resource = resourceFromAttributes({ 'service.name': 'tests', 'service.version': '1.2.3' });
const scope = { name: 'parley', version: '1', schemaUrl: 'https://example.com/names/1' };
const origin = { resource, scope };

interface Told extends Partial<SpanStart> {
  parent?: SentSpan['parent'];
  more?: Attributes[];
  endedAt?: number;
  errorType?: string;
}

function spanOf({ parent, more = [], endedAt, errorType, ...start }: Told = {}): SentSpan {
  const begun: SpanStart = { name: 'asked', kind: 'internal', startedAt: 1.5e12, ...start };
  const span = new SentSpan(begun, TRACE, parent, () => undefined);
  for (const attributes of more) span.set(attributes);
  span.end(errorType);
  span.endedAt = endedAt ?? span.endedAt;
  return span;
}

function byPackage(spans: readonly SentSpan[]): Buffer {
  const readable = spans.map((span) => readableSpan(span, origin));
  return Buffer.from(ProtobufTraceSerializer.serializeRequest(readable) ?? []);
}

/** Expects the bytes of the package, in each of several requests. */
function expectSame(...spans: SentSpan[]): void {
  const writer = new ProtobufSpans(origin);
  const wanted = byPackage(spans).toString('hex');
  for (let request = 0; request < 3; request++) {
    for (const span of spans) writer.add(span);
    expect(Buffer.from(writer.take()).toString('hex')).toBe(wanted);
  }
}

it('writes spans of all kinds, roots and parts, here and elsewhere', () => {
  expectSame(
    spanOf({ kind: 'server', parent: { ...PARENT, isRemote: true } }),
    spanOf({ kind: 'client', parent: PARENT, errorType: 'timeout' }),
    spanOf({ kind: 'internal' }),
  );
});

it('writes values of all kinds', () => {
  const attributes = {
    ...{
      text: 'plain',
      none: '',
      wide: 'Größe – 漢字 🙂',
      long: 'x'.repeat(300),
      half: 'a\uD800b',
    },
    ...{ yes: true, no: false, zero: 0, small: 127, byte: 128, large: 2 ** 31, negative: -1 },
    ...{ largest: Number.MAX_SAFE_INTEGER, least: Number.MIN_SAFE_INTEGER, fraction: 0.25 },
    ...{ tiny: -1e-300, huge: 1.5e300, list: ['stop', 'length'], empty: [], missing: undefined },
  };
  expectSame(spanOf({ attributes }), spanOf({ attributes: { only: 'this' } }));
});

it('writes names and attributes of many lengths', () => {
  const lengths = [...Array(140).keys(), 16_370, 16_380, 16_390, 70_000, 2_100_000];
  expectSame(...lengths.map((length) => spanOf({ name: 'n'.repeat(length) })));
  expectSame(...lengths.map((length) => spanOf({ attributes: { text: 'é'.repeat(length) } })));
});

it('writes attributes that come again, of which some are frozen', () => {
  const frozen = Object.freeze({ a: 'x', b: 2, c: undefined });
  const none = Object.freeze({});
  const span = () => spanOf({ attributes: frozen, more: [none, { d: 'once' }, { e: ['f'] }] });
  expectSame(span(), spanOf({ more: [{ d: 'first' }, frozen] }), span());
});

it('writes times to the nanosecond that a clock tells', () => {
  const last = 1_764_000_000_999 + 4_095 / 4_096;
  const times = [0, 1, 999.5, 1_700_000_000_000, 1_764_000_000_123.75, last];
  expectSame(...times.map((time) => spanOf({ startedAt: time, endedAt: time + 4_294.967_296 })));
});

it('writes many spans, and what is said of a sender without a version', () => {
  expectSame(...Array.from({ length: 2_000 }, (_, at) => spanOf({ attributes: { at } })));
  const bare = { resource: resourceFromAttributes({}), scope: { name: 'parley' } };
  const span = spanOf();
  const wanted = ProtobufTraceSerializer.serializeRequest([readableSpan(span, bare)]);
  const writer = new ProtobufSpans(bare);
  writer.add(span);
  expect(writer.take()).toEqual(Uint8Array.from(wanted ?? []));
});
