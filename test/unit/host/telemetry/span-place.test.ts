import { expect, it } from 'vitest';
import { createLogger } from '../../../../src/core/logger.ts';
import { Id } from '../../../../src/host/telemetry/id.ts';
import { createTelemetry } from '../../../../src/host/telemetry/open-telemetry.ts';
import { placeAbove, samplerOf } from '../../../../src/host/telemetry/span-place.ts';
import {
  telemetrySettings,
  type TelemetrySettings,
} from '../../../../src/host/telemetry/settings.ts';
import { parseConfig } from '../../../../src/config.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';

function sampler(name: TelemetrySettings['sampler'], more: Partial<TelemetrySettings> = {}) {
  const tracesUrl = 'http://127.0.0.1/v1/traces';
  // The sampler reads no other settings.
  return samplerOf({ sampler: name, ratio: 1, tracesUrl, ...more } as TelemetrySettings);
}

it('gives a span an id of its own, in the trace of its parent or in a new one', () => {
  const settings = telemetrySettings(
    parseConfig({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:9/v1/traces' }),
  )!;
  const log = createLogger({ level: 'error', format: 'json', write: () => undefined });
  const sent = { settings, log, network: fetch, version: '1', sendsWhenAsked: true };
  const telemetry = createTelemetry(sent);
  const begin = (parent?: Parameters<typeof telemetry.begin>[0]['parent']) =>
    telemetry.begin({ name: 'asked', kind: 'server', parent });
  const caller = `00-${TRACE}-${SPAN}-01`;
  const first = begin(caller);
  const places = [first, begin(caller), begin(first), begin(first.traceparent), begin()];
  expect(places.map(({ traceId }) => traceId === TRACE)).toEqual([true, true, true, true, false]);
  expect(new Set(places.map(({ spanId }) => spanId)).size).toBe(5);
  for (const { traceId, spanId, traceparent } of places) {
    expect(traceId).toMatch(/^[\da-f]{32}$/u);
    expect(spanId).toMatch(/^[\da-f]{16}$/u);
    expect(traceparent).toBe(`00-${traceId}-${spanId}-01`);
  }
  expect(begin().traceId).not.toBe(places.at(-1)?.traceId);
  const unsampled = begin(`00-${TRACE}-${SPAN}-00`);
  expect(unsampled.traceparent).toBe(`00-${TRACE}-${unsampled.spanId}-00`);
});

it('sends what the sampler wants, by the parent or by itself', () => {
  const sent = (name: TelemetrySettings['sampler'], flags?: string, more = {}) => {
    const parent = flags && `00-${TRACE}-${SPAN}-${flags}`;
    const above = placeAbove({ name: 'asked', kind: 'server', parent });
    return sampler(name, more)(above?.trace ?? Id.random(16), above);
  };
  expect(sent('always_on', '00')).toBe(true);
  expect(sent('always_off', '01')).toBe(false);
  expect(sent('parentbased_always_on')).toBe(true);
  expect(sent('parentbased_always_on', '00')).toBe(false);
  expect(sent('parentbased_always_off')).toBe(false);
  for (const flags of ['01', '03', '05', '0b', 'ff'])
    expect(sent('parentbased_always_off', flags), flags).toBe(true);
  for (const flags of ['00', '02', '08', '0a', 'fe', '10'])
    expect(sent('parentbased_always_on', flags), flags).toBe(false);
  expect(sent('traceidratio', '01', { ratio: 0 })).toBe(false);
  expect(sent('traceidratio', '00', { ratio: 1 })).toBe(true);
  expect(sent('parentbased_traceidratio', '01', { ratio: 0 })).toBe(true);
  expect(sent('always_on', '01', { tracesUrl: undefined })).toBe(false);
});

it('sends about the wanted share of traces', () => {
  const samples = sampler('traceidratio', { ratio: 0.25 });
  const sent = Array.from({ length: 2_000 }, () => samples(Id.random(16), undefined)).filter(
    Boolean,
  );
  expect(sent.length).toBeGreaterThan(350);
  expect(sent.length).toBeLessThan(650);
});
