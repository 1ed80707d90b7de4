/**
 * Sends spans and measures to a collector, by OTLP over HTTP. A collector that is slow, down or
 * refuses costs what was to be sent and nothing else: nobody waits for it, and the log says so
 * once.
 */
import {
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufMetricsSerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { warnOnce } from '../../core/log-once.ts';
import type { Logger } from '../../core/logger.ts';
import type { TelemetrySettings } from './settings.ts';

export class OtlpSender {
  readonly #settings: TelemetrySettings;
  readonly #log: Logger;

  constructor(settings: TelemetrySettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  async sendSpans(spans: ReadableSpan[]): Promise<void> {
    const { tracesUrl, protocol } = this.#settings;
    if (tracesUrl === undefined || spans.length === 0) return;
    const serializer = protocol === 'http/json' ? JsonTraceSerializer : ProtobufTraceSerializer;
    await this.#send(tracesUrl, serializer.serializeRequest(spans));
  }

  async sendMetrics(metrics: ResourceMetrics): Promise<void> {
    const { metricsUrl, protocol } = this.#settings;
    if (metricsUrl === undefined || metrics.scopeMetrics.length === 0) return;
    const serializer = protocol === 'http/json' ? JsonMetricsSerializer : ProtobufMetricsSerializer;
    await this.#send(metricsUrl, serializer.serializeRequest(metrics));
  }

  async #send(url: string, bytes: Uint8Array | undefined): Promise<void> {
    const { protocol, headers, timeoutMs } = this.#settings;
    const type = protocol === 'http/json' ? 'application/json' : 'application/x-protobuf';
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': type },
        body: new Uint8Array(bytes ?? []),
        // A redirect could carry the collector's key elsewhere.
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`it answered with status ${response.status}`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      warnOnce(this.#log, `traces or metrics cannot be sent to ${new URL(url).origin}: ${why}`);
    }
  }
}
