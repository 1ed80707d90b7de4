/**
 * Telemetry by OpenTelemetry's packages. They are loaded only where the operator wants it, and on
 * Workers they are a module of their own. What a span is part of is passed as an argument, so
 * nothing has to follow promises around.
 */
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span as OtelSpan,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import { defaultResource, resourceFromAttributes, type Resource } from '@opentelemetry/resources';
import { MeterProvider, MetricReader, type ResourceMetrics } from '@opentelemetry/sdk-metrics';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type Sampler,
} from '@opentelemetry/sdk-trace';
import { newId } from '../../core/ids.ts';
import type { Logger } from '../../core/logger.ts';
import type { Attributes, Span, SpanStart, Telemetry } from '../../core/telemetry.ts';
import { instrumentsOf, type Instruments } from './instruments.ts';
import { OtlpSender } from './otlp-sender.ts';
import { SpanQueue } from './span-queue.ts';
import type { TelemetrySettings } from './settings.ts';

/** The name of what tells: the scope of spans and measures. */
const SCOPE = 'parley';
/** The version of the conventions for generative AI whose names are used. */
const SCHEMA = { schemaUrl: 'https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev' };

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
} as const;

export interface TelemetryOptions {
  settings: TelemetrySettings;
  version: string;
  log: Logger;
  /** True on Workers, where nothing runs between requests, and no timer either. */
  sendsWhenAsked: boolean;
}

/** Returns telemetry, and the measures for whoever asks for them. */
export function createTelemetry(
  options: TelemetryOptions,
): Telemetry & { read(): Promise<ResourceMetrics> } {
  return new OpenTelemetry(options);
}

/** Hands measures out when it is asked. */
class AskedReader extends MetricReader {
  protected onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

class OpenTelemetry implements Telemetry {
  readonly #tracer: Tracer;
  readonly #queue = new SpanQueue();
  readonly #reader = new AskedReader();
  readonly #instruments: Instruments;
  readonly #sender: OtlpSender;
  readonly #options: TelemetryOptions;
  #metricsSentAt = Date.now();
  #sending: Promise<void> | undefined;

  constructor(options: TelemetryOptions) {
    const { settings, version, log, sendsWhenAsked } = options;
    const resource = resourceOf(settings, version);
    const provider = new TracerProvider({
      resource,
      sampler: samplerOf(settings),
      spanProcessors: settings.tracesUrl === undefined ? [] : [this.#queue],
    });
    this.#tracer = provider.getTracer(SCOPE, version, SCHEMA);
    const meters = new MeterProvider({ resource, readers: [this.#reader] });
    this.#instruments = instrumentsOf(meters.getMeter(SCOPE, version, SCHEMA));
    this.#sender = new OtlpSender(settings, log);
    this.#options = options;
    if (!sendsWhenAsked) setInterval(() => void this.#send(), settings.spansEveryMs).unref();
  }

  begin({ name, kind, parent, attributes, startedAt }: SpanStart): Span {
    const options = { kind: KINDS[kind], attributes, startTime: startedAt };
    return new ToldSpan(this.#tracer.startSpan(name, options, contextOf(parent)));
  }

  measure(...[metric, value, attributes]: Parameters<Telemetry['measure']>): void {
    this.#instruments[metric](value, attributes);
  }

  async settle(): Promise<void> {
    if (this.#options.sendsWhenAsked) await this.#sendAll();
  }

  async close(): Promise<void> {
    this.#metricsSentAt = 0;
    await this.#sending;
    await this.#sendAll();
  }

  async read(): Promise<ResourceMetrics> {
    const { resourceMetrics } = await this.#reader.collect();
    return resourceMetrics;
  }

  /** One sending at a time: a slow collector is not asked more and more. */
  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = this.#sendAll();
    await this.#sending;
    this.#sending = undefined;
  }

  async #sendAll(): Promise<void> {
    const dropped = this.#queue.takeDropped();
    if (dropped > 0) this.#options.log.warn('spans were dropped', { count: dropped });
    while (!this.#queue.isEmpty) await this.#sender.sendSpans(this.#queue.take());
    const { metricsUrl, metricsEveryMs } = this.#options.settings;
    if (metricsUrl === undefined || Date.now() < this.#metricsSentAt + metricsEveryMs) return;
    this.#metricsSentAt = Date.now();
    await this.#sender.sendMetrics(await this.read());
  }
}

class ToldSpan implements Span {
  readonly #span: OtelSpan;
  #traceparent: string | undefined;

  constructor(span: OtelSpan) {
    this.#span = span;
  }

  get traceparent(): string {
    return (this.#traceparent ??= traceparentOf(this.#span.spanContext()));
  }

  set(attributes: Attributes): void {
    for (const [name, value] of Object.entries(attributes))
      if (value !== undefined) this.#span.setAttribute(name, value);
  }

  rename(name: string): void {
    this.#span.updateName(name);
  }

  end(errorType?: string): void {
    if (errorType !== undefined) {
      this.#span.setAttribute('error.type', errorType);
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags & TraceFlags.SAMPLED ? '01' : '00'}`;
}

/** The parent that was read last: the steps of a turn have the same, and mostly come together. */
let lastParent: { traceparent: string; context: Context } | undefined;

function contextOf(traceparent: string | undefined): Context {
  if (traceparent === undefined) return ROOT_CONTEXT;
  if (lastParent?.traceparent !== traceparent)
    lastParent = { traceparent, context: readContext(traceparent) };
  return lastParent.context;
}

/** Reads a `traceparent`, which was checked or is our own. */
function readContext(traceparent: string): Context {
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-');
  const traceFlags = Number.parseInt(flags, 16);
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
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

function samplerOf({ sampler, ratio, tracesUrl }: TelemetrySettings): Sampler {
  // Spans that are sent nowhere need not be made.
  if (tracesUrl === undefined) return new AlwaysOffSampler();
  const [, isByParent, name] = /^(parentbased_)?(.*)$/.exec(sampler) ?? [];
  const root = rootSampler(name, ratio);
  return isByParent === undefined ? root : new ParentBasedSampler({ root });
}

function rootSampler(name: string | undefined, ratio: number): Sampler {
  if (name === 'traceidratio') return new TraceIdRatioBasedSampler(ratio);
  return name === 'always_off' ? new AlwaysOffSampler() : new AlwaysOnSampler();
}
