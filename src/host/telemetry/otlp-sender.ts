/**
 * Sends spans and measures to a collector, by OTLP over HTTP. A collector that is slow, down or
 * refuses costs what was to be sent and nothing else: nobody waits for it, and the log says so
 * once.
 */
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { warnOnce } from '../../core/log-once.ts';
import type { Logger } from '../../core/logger.ts';
import type { HttpFetch } from '../../models/http.ts';
import type { TelemetrySettings } from './settings.ts';

/** The longest answer that is read, in bytes: what a collector says of success is an empty one. */
const LONGEST_ANSWER = 64 * 1024;

export class OtlpSender {
  readonly #settings: TelemetrySettings;
  readonly #log: Logger;
  readonly #network: HttpFetch;

  constructor(settings: TelemetrySettings, log: Logger, network: HttpFetch) {
    this.#settings = settings;
    this.#log = log;
    this.#network = network;
  }

  /** @param request with spans, in the protocol of the settings */
  async sendSpans(request: Uint8Array<ArrayBuffer>): Promise<void> {
    const { tracesUrl } = this.#settings;
    if (tracesUrl !== undefined) await this.#send(tracesUrl, request);
  }

  async sendMetrics(metrics: ResourceMetrics): Promise<void> {
    const { metricsUrl, protocol } = this.#settings;
    if (metricsUrl === undefined || metrics.scopeMetrics.length === 0) return;
    const serializer = protocol === 'http/json' ? JsonMetricsSerializer : ProtobufMetricsSerializer;
    await this.#send(metricsUrl, new Uint8Array(serializer.serializeRequest(metrics) ?? []));
  }

  async #send(url: string, body: Uint8Array<ArrayBuffer>): Promise<void> {
    const { protocol, headers, timeoutMs } = this.#settings;
    const type = protocol === 'http/json' ? 'application/json' : 'application/x-protobuf';
    // A signal of `AbortSignal.timeout` would make its error later, although nobody waits by then.
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error('it did not answer in time')), timeoutMs);
    try {
      const response = await this.#network(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': type },
        body,
        signal: late.signal,
      });
      await readThrough(response);
      if (!response.ok) throw new Error(`it answered with status ${response.status}`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      warnOnce(this.#log, `traces or metrics cannot be sent to ${new URL(url).origin}: ${why}`);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Reads an answer to its end, so that its connection serves again; a long one is left. */
async function readThrough({ body }: Response): Promise<void> {
  if (!body) return;
  let left = LONGEST_ANSWER;
  for await (const bytes of body) {
    left -= bytes.length;
    if (left < 0) return;
  }
}
