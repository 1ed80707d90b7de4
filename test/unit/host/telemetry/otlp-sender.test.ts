/**
 * Connections to a collector serve again, its answers are read up to a bound, and a busy server
 * sends it full batches.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../src/config.ts';
import { createLogger } from '../../../../src/core/logger.ts';
import { createUndiciFetch } from '../../../../src/host/node/http-client/http-client.ts';
import { createTelemetry } from '../../../../src/host/telemetry/open-telemetry.ts';
import { telemetrySettings } from '../../../../src/host/telemetry/settings.ts';
import { networkBy, type HttpFetch } from '../../../../src/models/http.ts';
import { spansIn } from '../../../support/protobuf.ts';

const BATCHES = 10;

/** Sends ten batches of spans to a collector. Returns its connections and requests. */
async function sendTo(
  answer: string,
  network: HttpFetch,
): Promise<{ connections: number; requests: string[] }> {
  let connections = 0;
  const requests: string[] = [];
  const collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (bytes: Buffer) => chunks.push(bytes));
    request.on('end', () => {
      requests.push(`${request.url} ${Buffer.concat(chunks).includes('asked')}`);
      // The body comes after the head, as from a collector behind a proxy.
      response.flushHeaders();
      setTimeout(() => response.end(answer), 10);
    });
  });
  collector.on('connection', () => connections++);
  await once(collector.listen(0, '127.0.0.1'), 'listening');
  // A TCP server's address is always an object.
  const { port } = collector.address() as AddressInfo;
  const telemetry = telemetryTo(`http://127.0.0.1:${port}`, network, {}, true);
  for (let batch = 0; batch < BATCHES; batch++) {
    telemetry.begin({ name: 'asked', kind: 'internal' }).end();
    await telemetry.settle();
  }
  collector.closeAllConnections();
  collector.close();
  return { connections, requests };
}

function telemetryTo(
  url: string,
  network: HttpFetch,
  more: Record<string, string>,
  sendsWhenAsked = false,
) {
  const none = { OTEL_METRICS_EXPORTER: 'none', ...more };
  const settings = telemetrySettings(parseConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: url, ...none }))!;
  const log = createLogger({ level: 'error', format: 'json', write: () => undefined });
  return createTelemetry({ settings, log, network, version: '1', sendsWhenAsked });
}

const CLIENTS = { undici: createUndiciFetch(), fetch: networkBy(fetch) };

describe.each(Object.entries(CLIENTS))('by %s', (_, network) => {
  it('sends batches over connections that are there', async () => {
    const { connections, requests } = await sendTo('', network);
    expect(requests).toEqual(Array.from({ length: BATCHES }, () => '/v1/traces true'));
    // The second batch may come before the first connection is free again.
    expect(connections).toBeLessThan(3);
    expect((await sendTo('partial success', network)).connections).toBeLessThan(3);
  });

  it('leaves an answer that is too long, with its connection', async () => {
    const { connections } = await sendTo('x'.repeat(4_000_000), network);
    expect(connections).toBeGreaterThanOrEqual(BATCHES);
  });
});

it('sends full batches while spans come all the time, and the rest at the end', async () => {
  const batches: number[] = [];
  const collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (bytes: Buffer) => chunks.push(bytes));
    request.on('end', () => {
      if (request.method === 'POST') batches.push(spansIn(Buffer.concat(chunks)).length);
      response.end();
    });
  });
  await once(collector.listen(0, '127.0.0.1'), 'listening');
  const { port } = collector.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const telemetry = telemetryTo(url, createUndiciFetch(), { OTEL_BSP_SCHEDULE_DELAY: '60000' });
  for (let round = 0; round < 100; round++) {
    for (let span = 0; span < 20; span++)
      telemetry.begin({ name: 'asked', kind: 'internal' }).end();
    // Meanwhile a batch that was being sent is answered.
    await (await fetch(url)).text();
  }
  await telemetry.close();
  collector.closeAllConnections();
  collector.close();
  expect(batches).toEqual([1_024, 2_000 - 1_024]);
});
