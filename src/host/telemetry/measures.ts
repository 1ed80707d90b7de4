/**
 * Sums up what is measured, for whoever asks how it stands. It is done by hand: a turn measures a
 * dozen things, and for each of them the SDK sorts the attributes and writes them as JSON.
 */
import { ValueType, type HrTime } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { METRICS, type Attributes, type MetricName } from '../../core/telemetry.ts';
import type { SpanOrigin } from './sent-span.ts';
import { Series } from './series.ts';

/** The attributes of what is measured once a measure has as many series as it may have. */
const OVERFLOW = { 'otel.metric.overflow': true };
/** The most series of a measure: clients choose the names of models, and each has its own. */
const MOST_SERIES = 2_000;

interface Measure {
  boundaries: readonly number[] | undefined;
  /** By the text of their attributes, in the order in which they came. */
  series: Map<string, Series>;
}

/** The series of measures that have the same attributes. */
type Alike = Partial<Record<MetricName, Series>>;

export class Measures {
  readonly #origin: SpanOrigin;
  readonly #startTime: HrTime = now();
  readonly #measures: Readonly<Record<MetricName, Measure>>;
  /** By attributes that are frozen. */
  readonly #known = new WeakMap<Attributes, Alike>();
  /** The attributes of the value before, since several values in a row have the same. */
  #last: { attributes: Attributes; alike: Alike } | undefined;

  constructor(origin: SpanOrigin) {
    this.#origin = origin;
    const made = Object.entries(METRICS).map(([name, metric]) => {
      const boundaries = 'boundaries' in metric ? metric.boundaries : undefined;
      return [name, { boundaries, series: new Map() }];
    });
    // One for each name.
    this.#measures = Object.fromEntries(made) as Record<MetricName, Measure>;
  }

  /** Adds a value. Attributes that are undefined are left out. */
  add(metric: MetricName, value: number, attributes: Attributes): void {
    if (Number.isNaN(value)) return;
    if (this.#last?.attributes !== attributes)
      this.#last = { attributes, alike: this.#alike(attributes) };
    const { alike } = this.#last;
    const series = (alike[metric] ??= this.#seriesOf(metric, attributes));
    series.add(value);
  }

  /** Returns the series of these attributes that are known. */
  #alike(attributes: Attributes): Alike {
    const known = this.#known.get(attributes);
    if (known) return known;
    const alike = {};
    if (Object.isFrozen(attributes)) this.#known.set(attributes, alike);
    return alike;
  }

  #seriesOf(metric: MetricName, attributes: Attributes): Series {
    const measure = this.#measures[metric];
    const key = textOf(attributes);
    return measure.series.get(key) ?? newSeries(measure, key, attributes);
  }

  /** Returns how all measures stand, those that were measured. */
  read(): ResourceMetrics {
    const endTime = now();
    const metrics = Object.entries(this.#measures)
      .filter(([, { series }]) => series.size > 0)
      // The names are those of METRICS.
      .map(([name, measure]) => this.#dataOf(name as MetricName, measure, endTime));
    const { resource, scope } = this.#origin;
    return { resource, scopeMetrics: metrics.length === 0 ? [] : [{ scope, metrics }] };
  }

  #dataOf(name: MetricName, { series }: Measure, endTime: HrTime): MetricData {
    const { unit, description, kind } = METRICS[name];
    const descriptor = { name, unit, description, valueType: ValueType.DOUBLE };
    const aggregationTemporality = AggregationTemporality.CUMULATIVE;
    const times = { startTime: this.#startTime, endTime };
    const all = [...new Set(series.values())];
    if (kind === 'counter')
      return {
        ...{ descriptor, aggregationTemporality, isMonotonic: true },
        dataPointType: DataPointType.SUM,
        dataPoints: all.map(({ attributes, sum }) => ({ ...times, attributes, value: sum })),
      };
    return {
      ...{ descriptor, aggregationTemporality },
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: all.map((each) => ({
        ...{ ...times, attributes: each.attributes, value: each.histogram() },
      })),
    };
  }
}

/**
 * Returns the series of attributes that came in this order for the first time: perhaps one that
 * they made in another order.
 */
function newSeries({ series, boundaries }: Measure, key: string, attributes: Attributes): Series {
  const isFull = series.size >= MOST_SERIES;
  const known = Object.entries(isFull ? OVERFLOW : attributes)
    .filter(([, value]) => value !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const sorted = Object.fromEntries(known);
  const sortedKey = textOf(sorted);
  const found = series.get(sortedKey) ?? new Series(sorted, boundaries);
  series.set(sortedKey, found);
  if (!isFull) series.set(key, found);
  return found;
}

function textOf(attributes: Attributes): string {
  let text = '';
  for (const name in attributes) {
    const value = attributes[name];
    if (value !== undefined) text += `${name}\u0000${String(value)}\u0000`;
  }
  return text;
}

function now(): HrTime {
  const milliseconds = Date.now();
  return [Math.floor(milliseconds / 1000), (milliseconds % 1000) * 1e6];
}
