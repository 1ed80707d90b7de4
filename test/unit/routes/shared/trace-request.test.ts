import { expect, it } from 'vitest';
import { parseConfig } from '../../../../src/config.ts';
import { createLogger } from '../../../../src/core/logger.ts';
import { Id } from '../../../../src/host/telemetry/id.ts';
import { createTelemetry } from '../../../../src/host/telemetry/open-telemetry.ts';
import { SentSpan } from '../../../../src/host/telemetry/sent-span.ts';
import { telemetrySettings } from '../../../../src/host/telemetry/settings.ts';
import { endRequest } from '../../../../src/routes/shared/trace-request.ts';

const url = 'http://127.0.0.1:9';
const settings = telemetrySettings(parseConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: url }))!;
const log = createLogger({ level: 'error', format: 'json', write: () => undefined });

/** What is told of an answer: its span, and the attributes of what was measured. */
function told(status: number, route: string | undefined) {
  const options = { settings, log, network: fetch, version: '1', sendsWhenAsked: true };
  const telemetry = createTelemetry(options);
  const started = { name: 'POST', kind: 'server' } as const;
  const span = new SentSpan(started, Id.random(16), undefined, () => undefined);
  const answered = { method: 'POST', status, route, isSecure: false, requestId: `r${status}` };
  endRequest(telemetry, span, { ...answered, begunAt: performance.now() });
  const [measured] = telemetry.read().scopeMetrics[0]?.metrics ?? [];
  return { span, measured: measured?.dataPoints.map(({ attributes }) => attributes) };
}

it('tells of an answer, and that a server’s error is one', () => {
  const common = { 'http.request.method': 'POST', 'url.scheme': 'http', 'http.route': '/x' };
  for (const [status, error] of [[200], [404], [503, '503'], [200]] as const) {
    const { span, measured } = told(status, '/x');
    const attributes = { ...common, 'http.response.status_code': status };
    const wanted = error === undefined ? attributes : { ...attributes, 'error.type': error };
    expect(measured).toEqual([wanted]);
    expect(span).toMatchObject({ name: 'POST /x', hasFailed: error !== undefined });
    // Each name comes once.
    const names = span.attributes.flatMap((each) => Object.keys(each));
    expect(names.toSorted()).toEqual([...Object.keys(wanted), 'parley.request.id'].toSorted());
    expect(Object.assign({}, ...span.attributes)).toMatchObject(wanted);
  }
});

it('tells no route of a path that no route knows', () => {
  const { span, measured } = told(404, undefined);
  expect(span.name).toBe('POST');
  expect(measured?.[0]).not.toHaveProperty(['http.route']);
});
