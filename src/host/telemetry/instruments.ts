/** The instruments of all measures, made once. */
import type { Meter } from '@opentelemetry/api';
import { METRICS, type Attributes, type MetricName } from '../../core/telemetry.ts';

export type Instruments = Readonly<
  Record<MetricName, (value: number, attributes: Attributes) => void>
>;

/** Makes the instruments on a meter. */
export function instrumentsOf(meter: Meter): Instruments {
  const made = Object.entries(METRICS).map(([name, metric]) => {
    const { unit, description } = metric;
    if (metric.kind === 'counter') {
      const counter = meter.createCounter(name, { unit, description });
      return [name, counter.add.bind(counter)];
    }
    const advice = { explicitBucketBoundaries: metric.boundaries };
    const histogram = meter.createHistogram(name, { unit, description, advice });
    return [name, histogram.record.bind(histogram)];
  });
  // One for each name.
  return Object.fromEntries(made) as Instruments;
}
