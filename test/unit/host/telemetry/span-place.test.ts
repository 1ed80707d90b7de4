import { expect, it } from 'vitest';
import {
  isSampled,
  newPlace,
  placeFrom,
  samplerOf,
} from '../../../../src/host/telemetry/span-place.ts';
import type { TelemetrySettings } from '../../../../src/host/telemetry/settings.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const known = (flags: string) => placeFrom(`00-${TRACE}-${SPAN}-${flags}`, true);

function sampler(name: TelemetrySettings['sampler'], more: Partial<TelemetrySettings> = {}) {
  const tracesUrl = 'http://127.0.0.1/v1/traces';
  // The sampler reads no other settings.
  return samplerOf({ sampler: name, ratio: 1, tracesUrl, ...more } as TelemetrySettings);
}

it('gives a span an id of its own, in the trace of its parent or in a new one', () => {
  const samples = sampler('parentbased_always_on');
  const below = newPlace(known('01'), samples);
  expect(below.traceId).toBe(TRACE);
  const places = [below, newPlace(known('01'), samples), newPlace(undefined, samples)];
  expect(new Set(places.map(({ spanId }) => spanId)).size).toBe(3);
  for (const { traceId, spanId } of places) {
    expect(traceId).toMatch(/^[\da-f]{32}$/u);
    expect(spanId).toMatch(/^[\da-f]{16}$/u);
  }
  expect(newPlace(undefined, samples).traceId).not.toBe(places[2]?.traceId);
});

it('sends what the sampler wants, by the parent or by itself', () => {
  const sent = (name: TelemetrySettings['sampler'], parent?: string, more = {}) =>
    isSampled(newPlace(parent === undefined ? undefined : known(parent), sampler(name, more)));
  expect(sent('always_on', '00')).toBe(true);
  expect(sent('always_off', '01')).toBe(false);
  expect(sent('parentbased_always_on')).toBe(true);
  expect(sent('parentbased_always_on', '00')).toBe(false);
  expect(sent('parentbased_always_off')).toBe(false);
  expect(sent('parentbased_always_off', '03')).toBe(true);
  expect(sent('traceidratio', '01', { ratio: 0 })).toBe(false);
  expect(sent('traceidratio', '00', { ratio: 1 })).toBe(true);
  expect(sent('parentbased_traceidratio', '01', { ratio: 0 })).toBe(true);
  expect(sent('always_on', '01', { tracesUrl: undefined })).toBe(false);
});

it('sends about the wanted share of traces', () => {
  const samples = sampler('traceidratio', { ratio: 0.25 });
  const sent = Array.from({ length: 2_000 }, () => newPlace(undefined, samples)).filter(isSampled);
  expect(sent.length).toBeGreaterThan(350);
  expect(sent.length).toBeLessThan(650);
});
