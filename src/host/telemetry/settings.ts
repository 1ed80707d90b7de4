/** The settings of telemetry, from OpenTelemetry's own variables. */
import type { Config } from '../../config.ts';

export interface TelemetrySettings {
  /** The address to which spans are sent; undefined when they are not. */
  tracesUrl: string | undefined;
  metricsUrl: string | undefined;
  /** True where somebody reads measures: they are sent, or can be asked for. */
  hasMetrics: boolean;
  protocol: Config['OTEL_EXPORTER_OTLP_PROTOCOL'];
  /** Sent with each request, such as the key of a collector. */
  headers: Record<string, string>;
  timeoutMs: number;
  /** The interval at which spans are sent, in milliseconds. */
  spansEveryMs: number;
  /** The interval at which measures are sent, in milliseconds. */
  metricsEveryMs: number;
  serviceName: string;
  attributes: Record<string, string>;
  sampler: Config['OTEL_TRACES_SAMPLER'];
  /** The share of traces that are sampled, by the samplers that take one. */
  ratio: number;
}

/**
 * Returns the settings; undefined where nothing is told.
 * @param canBeAsked true where measures can be asked for, besides
 */
export function telemetrySettings(
  config: Config,
  canBeAsked = false,
): TelemetrySettings | undefined {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = config;
  const urlOf = (own: string | undefined, signal: string, exporter: 'otlp' | 'none') => {
    if (exporter === 'none' || config.OTEL_SDK_DISABLED) return undefined;
    return own ?? (endpoint && `${endpoint}/v1/${signal}`);
  };
  const tracesUrl = urlOf(
    config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    'traces',
    config.OTEL_TRACES_EXPORTER,
  );
  const metricsUrl = urlOf(
    config.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
    'metrics',
    config.OTEL_METRICS_EXPORTER,
  );
  if (tracesUrl === undefined && metricsUrl === undefined && !canBeAsked) return undefined;
  return {
    ...{ tracesUrl, metricsUrl, hasMetrics: canBeAsked || metricsUrl !== undefined },
    protocol: config.OTEL_EXPORTER_OTLP_PROTOCOL,
    headers: config.OTEL_EXPORTER_OTLP_HEADERS,
    timeoutMs: config.OTEL_EXPORTER_OTLP_TIMEOUT,
    spansEveryMs: config.OTEL_BSP_SCHEDULE_DELAY,
    metricsEveryMs: config.OTEL_METRIC_EXPORT_INTERVAL,
    serviceName: config.OTEL_SERVICE_NAME,
    attributes: config.OTEL_RESOURCE_ATTRIBUTES,
    sampler: config.OTEL_TRACES_SAMPLER,
    ratio: config.OTEL_TRACES_SAMPLER_ARG,
  };
}
