/**
 * What cannot be written is lost, and nothing else is; what nobody reads is not summed up; what is
 * told later is told in time.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseConfig } from '../../../../src/config.ts';
import { createLogger } from '../../../../src/core/logger.ts';
import { createTelemetry } from '../../../../src/host/telemetry/open-telemetry.ts';
import { telemetrySettings } from '../../../../src/host/telemetry/settings.ts';
import { networkBy } from '../../../../src/models/http.ts';

const INGEST = 'parley.ingest.duration';
/** More than are kept until they are told. */
const MANY = 100;
/** Attributes that cannot be read. */
const BROKEN = {
  get broken(): string {
    throw new Error('it has no value');
  },
};

let collector: Server;
let url: string;
/** The requests that came, as text. */
let received: string[];
let logged: string[];

beforeEach(async () => {
  [received, logged] = [[], []];
  collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (bytes: Buffer) => chunks.push(bytes));
    request.on('end', () => {
      received.push(`${request.url} ${Buffer.concat(chunks).toString('latin1')}`);
      response.end();
    });
  });
  await once(collector.listen(0, '127.0.0.1'), 'listening');
  // A TCP server's address is always an object.
  url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
});
afterEach(() => {
  collector.closeAllConnections();
  collector.close();
});

function start(env: Record<string, string>, sendsWhenAsked: boolean, canBeAsked = false) {
  const config = parseConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ...env });
  const settings = telemetrySettings(config, canBeAsked)!;
  const log = createLogger({ level: 'warn', format: 'json', write: (line) => logged.push(line) });
  return createTelemetry({
    settings,
    log,
    network: networkBy(fetch),
    version: '1',
    sendsWhenAsked,
  });
}

const has = (path: string, text: string) =>
  received.some((request) => request.startsWith(path) && request.includes(text));

it.each(['http/protobuf', 'http/json'])('goes on after what cannot be written: %s', async (by) => {
  const telemetry = start(
    {
      OTEL_EXPORTER_OTLP_PROTOCOL: by,
      OTEL_BSP_SCHEDULE_DELAY: '10',
      OTEL_METRIC_EXPORT_INTERVAL: '10',
    },
    false,
  );
  const span = (name: string, attributes = {}) =>
    telemetry.begin({ name, kind: 'internal', attributes }).end();
  // Each is met when it is sent, and when there are many.
  for (const count of [1, MANY]) {
    for (let at = 0; at < count; at++) {
      telemetry.measure(INGEST, 1, BROKEN);
      span('broken', BROKEN);
    }
    await expect.poll(() => logged.join('\n')).toContain('it has no value');
  }
  // The first may be written with broken ones, and be lost with them.
  const toldAfter = () => {
    telemetry.measure(INGEST, 1, { after: 'told after' });
    span('asked after');
    return has('/v1/metrics', 'told after') && has('/v1/traces', 'asked after');
  };
  await expect.poll(toldAfter).toBe(true);
  await telemetry.close();
  expect(has('/v1', 'broken')).toBe(false);
});

it('sums up only what is sent or can be asked for', async () => {
  const unsent = { OTEL_METRICS_EXPORTER: 'none' };
  const telemetries = [start({}, true), start(unsent, true, true), start(unsent, true)];
  for (const telemetry of telemetries) telemetry.measure(INGEST, 1, {});
  const read = telemetries.map((telemetry) => telemetry.read().scopeMetrics.length);
  expect(read).toEqual([1, 1, 0]);
  for (const telemetry of telemetries) await telemetry.close();
});

it('tells later what it is given, in order, before it is read, sent or closed', async () => {
  const telemetry = start({}, true);
  const told: number[] = [];
  const tell = (count: number) => telemetry.later(() => told.push(count));
  tell(1);
  tell(2);
  expect(told).toEqual([]);
  telemetry.read();
  expect(told).toEqual([1, 2]);
  telemetry.later(() => telemetry.begin({ name: 'told by settling', kind: 'internal' }).end());
  await telemetry.settle();
  expect(has('/v1/traces', 'told by settling')).toBe(true);
  telemetry.later(() => telemetry.measure(INGEST, 1, { at: 'told by closing' }));
  await telemetry.close();
  expect(has('/v1/metrics', 'told by closing')).toBe(true);
});

it('does not let much wait that is told later, and goes on after what cannot be', async () => {
  const telemetry = start({ OTEL_BSP_SCHEDULE_DELAY: '3600000' }, false);
  let told = 0;
  for (let at = 0; at < 10 * MANY; at++)
    telemetry.later(() => {
      if (at === MANY) throw new Error('it cannot be told');
      told++;
    });
  expect(told).toBeGreaterThan(9 * MANY);
  expect(logged.join('\n')).toContain('it cannot be told');
  await telemetry.close();
  expect(told).toBe(10 * MANY - 1);
});
