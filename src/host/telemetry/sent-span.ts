/**
 * A span, as the collector's packages read it. It is made by hand: a span of the SDK costs several
 * times as much, since it checks what our types hold already and can be told more than we tell.
 */
import { SpanKind, SpanStatusCode, type HrTime, type SpanContext } from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Attributes, Span, SpanStart } from '../../core/telemetry.ts';

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
} as const;
const UNSET = { code: SpanStatusCode.UNSET };
const FAILED = { code: SpanStatusCode.ERROR };
const NONE: never[] = [];

/** The origin of all spans of a process, and where they go. */
export interface SpanSource {
  readonly resource: Resource;
  readonly instrumentationScope: InstrumentationScope;
  /** Takes a span that has ended. */
  take(span: ReadableSpan): void;
}

export class SentSpan implements Span, ReadableSpan {
  name: string;
  readonly kind: SpanKind;
  readonly parentSpanContext?: SpanContext;
  readonly attributes: Record<string, string | number | boolean | string[]> = {};
  readonly links = NONE;
  readonly events = NONE;
  readonly droppedAttributesCount = 0;
  readonly droppedEventsCount = 0;
  readonly droppedLinksCount = 0;
  status = UNSET;
  readonly #source: SpanSource;
  readonly #context: SpanContext;
  /** Its beginning, in milliseconds since the epoch, and by the clock that is never set. */
  readonly #startedAt: number;
  readonly #begunAt: number;
  #endedAt = Number.NaN;
  #traceparent: string | undefined;

  constructor(
    { name, kind, attributes, startedAt }: SpanStart,
    context: SpanContext,
    parent: SpanContext | undefined,
    source: SpanSource,
  ) {
    this.name = name;
    this.kind = KINDS[kind];
    if (parent) this.parentSpanContext = parent;
    this.#context = context;
    this.#source = source;
    const now = Date.now();
    this.#startedAt = startedAt ?? now;
    this.#begunAt = performance.now() - (now - this.#startedAt);
    if (attributes) this.set(attributes);
  }

  get traceparent(): string {
    const { traceId, spanId } = this.#context;
    return (this.#traceparent ??= `00-${traceId}-${spanId}-01`);
  }

  set(attributes: Attributes): void {
    for (const name in attributes) {
      const value = attributes[name];
      if (value !== undefined) this.attributes[name] = value;
    }
  }

  rename(name: string): void {
    this.name = name;
  }

  end(errorType?: string): void {
    if (this.ended) return;
    if (errorType !== undefined) {
      this.attributes['error.type'] = errorType;
      this.status = FAILED;
    }
    this.#endedAt = this.#startedAt + performance.now() - this.#begunAt;
    this.#source.take(this);
  }

  spanContext(): SpanContext {
    return this.#context;
  }

  get ended(): boolean {
    return !Number.isNaN(this.#endedAt);
  }

  get startTime(): HrTime {
    return timeOf(this.#startedAt);
  }

  get endTime(): HrTime {
    return timeOf(this.#endedAt);
  }

  get duration(): HrTime {
    return timeOf(this.#endedAt - this.#startedAt);
  }

  get resource(): Resource {
    return this.#source.resource;
  }

  get instrumentationScope(): InstrumentationScope {
    return this.#source.instrumentationScope;
  }
}

/** A span that is not sent: the spans and services below it are told its place nevertheless. */
export class UnsentSpan implements Span {
  readonly #context: SpanContext;

  constructor(context: SpanContext) {
    this.#context = context;
  }

  get traceparent(): string {
    return `00-${this.#context.traceId}-${this.#context.spanId}-00`;
  }

  set(): void {
    // Nobody will see it.
  }

  rename(): void {
    // Nobody will see it.
  }

  end(): void {
    // Nobody will see it.
  }
}

/** Returns milliseconds as seconds and nanoseconds. */
function timeOf(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1000);
  return [seconds, Math.round((milliseconds - seconds * 1000) * 1e6)];
}
