/**
 * Telemetry in the form of OpenTelemetry, whose packages write it for collectors. They are loaded
 * only where the operator wants it, and on Workers they are a module of their own. What a span is
 * part of is passed as an argument, so nothing has to follow promises around.
 */
import { defaultResource, resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { newId } from '../../core/ids.ts';
import { warnOnce } from '../../core/log-once.ts';
import type { Logger } from '../../core/logger.ts';
import type { Attributes, MetricName, Span, SpanStart, Telemetry } from '../../core/telemetry.ts';
import type { HttpFetch } from '../../models/http.ts';
import { Id } from './id.ts';
import { JsonSpans } from './json-spans.ts';
import { Measures } from './measures.ts';
import { OtlpSender } from './otlp-sender.ts';
import { ProtobufSpans } from './protobuf-spans.ts';
import { SentSpan, UnsentSpan } from './sent-span.ts';
import { placeAbove, samplerOf } from './span-place.ts';
import { MOST_AT_ONCE, SpanQueue } from './span-queue.ts';
import type { TelemetrySettings } from './settings.ts';

/** The name of what tells: the scope of spans and measures. */
const SCOPE = 'parley';
/** The version of the conventions for generative AI whose names are used. */
const SCHEMA = 'https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev';

/** The most that is told later: four things of each of sixteen turns. */
const MOST_UNTOLD = 64;

export interface TelemetryOptions {
  settings: TelemetrySettings;
  version: string;
  log: Logger;
  network: HttpFetch;
  /** True on Workers, where nothing runs between requests, and no timer either. */
  sendsWhenAsked: boolean;
}

/** Returns telemetry, and the measures for whoever asks for them. */
export function createTelemetry(
  options: TelemetryOptions,
): Telemetry & { read(): ResourceMetrics } {
  return new OpenTelemetry(options);
}

class OpenTelemetry implements Telemetry {
  readonly #queue: SpanQueue;
  readonly #measures: Measures;
  readonly #sender: OtlpSender;
  readonly #samples: ReturnType<typeof samplerOf>;
  readonly #options: TelemetryOptions;
  /** The things that are told later, in their order. */
  #untold: (() => void)[] = [];
  #metricsSentAt = Date.now();
  #sending: Promise<void> | undefined;

  constructor(options: TelemetryOptions) {
    const { settings, version, log, network, sendsWhenAsked } = options;
    const scope = { name: SCOPE, version, schemaUrl: SCHEMA };
    const origin = { resource: resourceOf(settings, version), scope };
    this.#measures = new Measures(origin);
    this.#samples = samplerOf(settings);
    const { protocol } = settings;
    this.#queue = new SpanQueue(new (protocol === 'http/json' ? JsonSpans : ProtobufSpans)(origin));
    this.#sender = new OtlpSender(settings, log, network);
    this.#options = options;
    if (!sendsWhenAsked) setInterval(() => void this.#send(), settings.spansEveryMs).unref();
  }

  begin(start: SpanStart): Span {
    const above = placeAbove(start);
    const trace = above?.trace ?? Id.random(16);
    const isSent = this.#samples(trace, above);
    return isSent ? new SentSpan(start, trace, above, this.#take) : new UnsentSpan(trace, start);
  }

  /** Takes a span that has ended; many are sent without waiting for the interval. */
  readonly #take = (span: SentSpan): void => {
    try {
      const waiting = this.#queue.add(span);
      if (waiting === MOST_AT_ONCE && !this.#options.sendsWhenAsked) void this.#send();
    } catch (error) {
      this.#lose(error);
    }
  };

  measure(metric: MetricName, value: number, attributes: Attributes): void {
    if (!this.#options.settings.hasMetrics) return;
    try {
      this.#measures.add(metric, value, attributes);
    } catch (error) {
      this.#lose(error);
    }
  }

  later(tell: () => void): void {
    if (this.#untold.push(tell) === MOST_UNTOLD) this.#tellAll();
  }

  #tellAll(): void {
    const untold = this.#untold;
    this.#untold = [];
    for (const tell of untold) this.#tell(tell);
  }

  #tell(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#lose(error);
    }
  }

  settle(): Promise<void> | undefined {
    return this.#options.sendsWhenAsked ? this.#sendAll() : undefined;
  }

  async close(): Promise<void> {
    this.#metricsSentAt = 0;
    await this.#sending;
    await this.#sendAll();
  }

  read(): ResourceMetrics {
    this.#tellAll();
    return this.#measures.read();
  }

  /** One sending at a time: a slow collector is not asked more and more. */
  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = this.#sendAll();
    await this.#sending;
    this.#sending = undefined;
  }

  /** Sends what waits now. It never throws. */
  async #sendAll(): Promise<void> {
    this.#tellAll();
    try {
      await this.#sendSpans();
      await this.#sendMetrics();
    } catch (error) {
      this.#lose(error);
    }
  }

  /**
   * Sends the spans that wait now. Spans that end meanwhile wait until they are many, or for the
   * next time: else a busy server sends a few with each request, which costs about as much as a
   * full one.
   */
  async #sendSpans(): Promise<void> {
    const dropped = this.#queue.takeDropped();
    if (dropped > 0) this.#options.log.warn('spans were dropped', { count: dropped });
    let left = this.#queue.size;
    while (left > 0 || this.#queue.size >= MOST_AT_ONCE) {
      left -= MOST_AT_ONCE;
      const request = this.#queue.take();
      if (request) await this.#sender.sendSpans(request);
    }
  }

  async #sendMetrics(): Promise<void> {
    const { metricsUrl, metricsEveryMs } = this.#options.settings;
    if (metricsUrl === undefined || Date.now() < this.#metricsSentAt + metricsEveryMs) return;
    this.#metricsSentAt = Date.now();
    await this.#sender.sendMetrics(this.read());
  }

  /** Tells that something cannot be written. It is lost, and a turn must not be harmed by it. */
  #lose(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    warnOnce(this.#options.log, `a part of traces or metrics was lost: ${why}`);
  }
}

function resourceOf({ serviceName, attributes }: TelemetrySettings, version: string): Resource {
  return defaultResource().merge(
    resourceFromAttributes({
      ...attributes,
      'service.name': serviceName,
      'service.version': version,
      // Each process or isolate counts by itself.
      'service.instance.id': newId(),
    }),
  );
}
