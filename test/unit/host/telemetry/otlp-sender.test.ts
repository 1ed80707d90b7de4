/** Connections to a collector serve again, and its answers are read up to a bound. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../../src/config.ts';
import { createLogger } from '../../../../src/core/logger.ts';
import { createUndiciFetch } from '../../../../src/host/node/http-client/http-client.ts';
import { createTelemetry } from '../../../../src/host/telemetry/open-telemetry.ts';
import { networkBy, type HttpFetch } from '../../../../src/models/http.ts';
import { telemetrySettings } from '../../../../src/host/telemetry/settings.ts';

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
  const settings = telemetrySettings(
    parseConfig({
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_METRICS_EXPORTER: 'none',
    }),
  )!;
  const log = createLogger({ level: 'error', format: 'json', write: () => undefined });
  const sent = { settings, log, network, version: '1', sendsWhenAsked: true };
  const telemetry = createTelemetry(sent);
  for (let batch = 0; batch < BATCHES; batch++) {
    telemetry.begin({ name: 'asked', kind: 'internal' }).end();
    await telemetry.settle();
  }
  collector.closeAllConnections();
  collector.close();
  return { connections, requests };
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
