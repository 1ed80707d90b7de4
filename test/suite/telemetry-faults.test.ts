/** Collectors that are down or never answer: no turn waits for them, and the log says so. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
let collector: OtlpReceiver;
let server: TestServer;
beforeAll(async () => {
  collector = await startOtlpReceiver();
  server = await startServer({
    runtime,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      // Nobody listens there.
      OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://127.0.0.1:9/v1/metrics',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OTEL_METRIC_EXPORT_INTERVAL: '100',
      LOG_FORMAT: 'json',
    },
  });
}, 150_000);
afterAll(async () => {
  await server.close();
  await collector.close();
});

async function turn(): Promise<number> {
  const json = { user_id: unique('user'), message: 'Hi', model: 'offline' };
  const begunAt = performance.now();
  const answer = await request<{ status: string }>(`${server.url}/conversations`, { json });
  expect(answer.json.status).toBe('complete');
  return performance.now() - begunAt;
}

it('are sent protobuf unless told otherwise', async () => {
  await turn();
  await expect
    .poll(() => collector.binarySpans().map(({ name }) => name), { timeout: 30_000 })
    .toEqual(
      expect.arrayContaining([
        'POST /conversations',
        'invoke_agent parley',
        'chat offline',
        'store',
      ]),
    );
  for (const { name, attributes } of collector.binarySpans())
    expect(new Set(attributes).size, `${name}: ${attributes.join(', ')}`).toBe(attributes.length);
});

it('are told the route of a request, also where it was refused before', async () => {
  const name = unique('name');
  const asked: [path: string, init: object][] = [
    [`/conversations/${name}/messages`, {}],
    [`/documents/${name}`, { headers: { host: 'rebound.example' } }],
    [`/nowhere/${name}`, { method: 'PUT' }],
    ['/openapi.json', {}],
  ];
  for (const [path, init] of asked) await request(`${server.url}${path}`, init);
  await expect
    .poll(() => collector.binarySpans().map((span) => span.name), { timeout: 30_000 })
    .toEqual(
      expect.arrayContaining([
        'GET /conversations/{id}/messages',
        'GET /documents/{id}',
        'PUT',
        'GET /openapi.json',
      ]),
    );
});

it('cost no turn anything when they are down or never answer', async () => {
  collector.hang();
  const took: number[] = [];
  for (let count = 0; count < 20; count++) took.push(await turn());
  // Far less than the limit of time of one request to the collector. A busy machine may hold up
  // some of them, a collector would hold up all.
  const half = took.toSorted((one, other) => one - other)[took.length / 2];
  expect(half).toBeLessThan(1_000);
  await expect
    .poll(() => server.logs(), { timeout: 30_000 })
    .toContain('traces or metrics cannot be sent to http://127.0.0.1:9');
  expect(server.isRunning()).toBe(true);
});

it('do not hold up a stop', async () => {
  if (runtime !== 'node') return;
  const begunAt = performance.now();
  expect(await server.stop()).toBe(0);
  expect(performance.now() - begunAt).toBeLessThan(15_000);
});
