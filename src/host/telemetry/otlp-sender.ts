/**
 * Sends spans and measures to a collector, by OTLP over HTTP. A collector that is slow, down or
 * refuses costs what was to be sent and nothing else: nobody waits for it, and the log says so
 * once.
 */
import {
  JsonMetricsSerializer,
  JsonTraceSerializer,
  ProtobufMetricsSerializer,
} from '@opentelemetry/otlp-transformer';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { warnOnce } from '../../core/log-once.ts';
import type { Logger } from '../../core/logger.ts';
import type { HttpFetch } from '../../models/http.ts';
import { readableSpan } from './readable-span.ts';
import type { SentSpan, SpanOrigin } from './sent-span.ts';
import type { TelemetrySettings } from './settings.ts';
import { SpanEncoder } from './span-encoder.ts';

/** The longest answer that is read, in bytes: what a collector says of success is an empty one. */
const LONGEST_ANSWER = 64 * 1024;

interface SenderOptions {
  settings: TelemetrySettings;
  origin: SpanOrigin;
  log: Logger;
  network: HttpFetch;
}

export class OtlpSender {
  readonly #options: SenderOptions;
  readonly #encoder: SpanEncoder;

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#encoder = new SpanEncoder(options.origin);
  }

  async sendSpans(spans: SentSpan[]): Promise<void> {
    const { tracesUrl } = this.#options.settings;
    if (tracesUrl === undefined || spans.length === 0) return;
    await this.#send(tracesUrl, this.#requestWith(spans));
  }

  #requestWith(spans: SentSpan[]): Uint8Array | undefined {
    const { settings, origin } = this.#options;
    if (settings.protocol !== 'http/json') return this.#encoder.encode(spans);
    return JsonTraceSerializer.serializeRequest(spans.map((span) => readableSpan(span, origin)));
  }

  async sendMetrics(metrics: ResourceMetrics): Promise<void> {
    const { metricsUrl, protocol } = this.#options.settings;
    if (metricsUrl === undefined || metrics.scopeMetrics.length === 0) return;
    const serializer = protocol === 'http/json' ? JsonMetricsSerializer : ProtobufMetricsSerializer;
    await this.#send(metricsUrl, serializer.serializeRequest(metrics));
  }

  async #send(url: string, bytes: Uint8Array | undefined): Promise<void> {
    const { settings, log, network } = this.#options;
    const { protocol, headers, timeoutMs } = settings;
    const type = protocol === 'http/json' ? 'application/json' : 'application/x-protobuf';
    // A signal of `AbortSignal.timeout` would make its error later, although nobody waits by then.
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error('it did not answer in time')), timeoutMs);
    try {
      const response = await network(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': type },
        // None of the serializers shares its memory.
        body: bytes as Uint8Array<ArrayBuffer> | undefined,
        signal: late.signal,
      });
      await readThrough(response);
      if (!response.ok) throw new Error(`it answered with status ${response.status}`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      warnOnce(log, `traces or metrics cannot be sent to ${new URL(url).origin}: ${why}`);
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
