import { ValueType } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, MetricReader, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { expect, it } from 'vitest';
import { METRICS, type Attributes, type MetricName } from '../../../../src/core/telemetry.ts';
import { Measures } from '../../../../src/host/telemetry/measures.ts';

const resource = resourceFromAttributes({ 'service.name': 'tests' });
const scope = { name: 'parley', version: '1' };
const CALLS = 'gen_ai.invoke_agent.inference_calls';
const SECONDS = 'http.server.request.duration';
const TOKENS = 'gen_ai.client.inference.usage.input_tokens';

class AskedReader extends MetricReader {
  protected onForceFlush = () => Promise.resolve();
  protected onShutdown = () => Promise.resolve();
}

type Measured = [name: MetricName, value: number, attributes: Attributes];

/** What the SDK makes of the same values: its defaults, with our boundaries. */
async function bySdk(measured: Measured[]): Promise<ResourceMetrics> {
  const reader = new AskedReader();
  const meter = new MeterProvider({ resource, readers: [reader] }).getMeter('parley', '1');
  for (const [name, value, attributes] of measured) {
    const { unit, description, kind, ...metric } = METRICS[name];
    const advice =
      'boundaries' in metric && metric.boundaries
        ? { explicitBucketBoundaries: metric.boundaries }
        : {};
    const options = { unit, description, valueType: ValueType.DOUBLE, advice };
    if (kind === 'counter') meter.createCounter(name, options).add(value, attributes);
    else meter.createHistogram(name, options).record(value, attributes);
  }
  return (await reader.collect()).resourceMetrics;
}

function byUs(measured: Measured[]): ResourceMetrics {
  const measures = new Measures({ resource, scope });
  for (const each of measured) measures.add(...each);
  return measures.read();
}

/** The points by measure and attributes, without their times. */
function pointsOf({ scopeMetrics }: ResourceMetrics) {
  const points = scopeMetrics.flatMap(({ metrics }) =>
    metrics.flatMap(({ descriptor, dataPoints, ...kind }) =>
      dataPoints.map(({ attributes, value }) => ({
        ...{ name: descriptor.name, unit: descriptor.unit, value },
        ...{ type: kind.dataPointType, temporality: kind.aggregationTemporality },
        attributes: Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      })),
    ),
  );
  return points.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

it('sums up what is measured as the SDK does', async () => {
  const route = { 'http.route': '/health', 'http.response.status_code': 200 };
  const measured: Measured[] = [
    ...[0, 1, 2, 5, 5, 7, 32, 33, 4000].map((calls): Measured => [CALLS, calls, { a: 'x' }]),
    [SECONDS, 0.0049, route],
    [SECONDS, 0.005, route],
    [SECONDS, 11, { ...route, 'error.type': 'slow' }],
    [TOKENS, 12, { a: 1 }],
    [TOKENS, 30, { a: 1 }],
    [TOKENS, 1, { a: '2' }],
  ];
  expect(pointsOf(byUs(measured))).toEqual(pointsOf(await bySdk(measured)));
});

it('takes attributes in any order for the same, and leaves out those that are undefined', () => {
  const points = pointsOf(
    byUs([
      [TOKENS, 1, { a: '1', b: '2' }],
      [TOKENS, 2, { b: '2', a: '1' }],
      [TOKENS, 4, { b: '2', c: undefined, a: '1' }],
    ]),
  );
  expect(points).toMatchObject([
    {
      value: 7,
      attributes: [
        ['a', '1'],
        ['b', '2'],
      ],
    },
  ]);
});

it('puts what comes after 2,000 different attributes into one series', () => {
  const many = Array.from({ length: 2_100 }, (_, at): Measured => [TOKENS, 1, { model: `m${at}` }]);
  const points = pointsOf(byUs([...many, ...many]));
  expect(points).toHaveLength(2_001);
  expect(points).toContainEqual(
    expect.objectContaining({ value: 200, attributes: [['otel.metric.overflow', true]] }),
  );
});

it('says nothing of what was not measured', () => {
  expect(byUs([]).scopeMetrics).toEqual([]);
  expect(byUs([[SECONDS, Number.NaN, {}]]).scopeMetrics).toEqual([]);
});
