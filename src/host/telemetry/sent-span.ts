/**
 * A span that is told. It is made by hand: a span of the SDK costs several times as much, since it
 * checks what our types hold already and can be told more than we tell. It only keeps what it is
 * given; what is made of that is made of many spans at once, which costs far less.
 */
import { SpanKind, TraceFlags } from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { Attributes, Span, SpanPlace, SpanStart } from '../../core/telemetry.ts';
import { Id } from './id.ts';

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
} as const;

type Beginning = Pick<SpanStart, 'startedAt' | 'begunAt'>;

/** The origin of all spans of a process. */
export interface SpanOrigin {
  readonly resource: Resource;
  readonly scope: InstrumentationScope;
}

/** The place of a span, with ids that are not digits yet. */
export interface Place extends SpanPlace {
  readonly trace: Id;
  readonly id: Id;
}

export class SentSpan implements Span, Place {
  name: string;
  readonly kind: SpanKind;
  readonly trace: Id;
  readonly id = Id.random(8);
  readonly traceFlags = TraceFlags.SAMPLED;
  readonly parent: Place | undefined;
  /** The attributes in the order in which they were set; some are undefined. */
  readonly attributes: Attributes[];
  hasFailed = false;
  /** Its beginning and its end, in milliseconds since the epoch; the end is NaN before it. */
  readonly startedAt: number;
  endedAt = Number.NaN;
  readonly begunAt: number;
  readonly #take: (span: SentSpan) => void;

  /** @param take is given the span when it has ended */
  constructor(
    start: SpanStart,
    trace: Id,
    parent: Place | undefined,
    take: (span: SentSpan) => void,
  ) {
    const { name, kind, attributes, startedAt } = start;
    this.name = name;
    this.kind = KINDS[kind];
    this.trace = trace;
    this.parent = parent;
    this.#take = take;
    this.begunAt = beginningOf(start);
    if (startedAt !== undefined) this.startedAt = startedAt;
    else if (parent instanceof SentSpan)
      // By the clock of its parent, within which it stays when the other clock is set.
      this.startedAt = parent.startedAt + (this.begunAt - parent.begunAt);
    else this.startedAt = Date.now() - (performance.now() - this.begunAt);
    this.attributes = attributes ? [attributes] : [];
  }

  get traceId(): string {
    return this.trace.digits;
  }

  get spanId(): string {
    return this.id.digits;
  }

  get traceparent(): string {
    return `00-${this.traceId}-${this.spanId}-01`;
  }

  toJSON(): string {
    return this.traceparent;
  }

  set(attributes: Attributes): void {
    this.attributes.push(attributes);
  }

  rename(name: string): void {
    this.name = name;
  }

  end(errorType?: string, endedAt = performance.now()): number {
    if (!Number.isNaN(this.endedAt)) return (this.endedAt - this.startedAt) / 1000;
    if (errorType !== undefined) {
      this.attributes.push({ 'error.type': errorType });
      this.hasFailed = true;
    }
    const lastedMs = endedAt - this.begunAt;
    this.endedAt = this.startedAt + lastedMs;
    this.#take(this);
    return lastedMs / 1000;
  }
}

/** A span that is not sent: the spans and services below it are told its place nevertheless. */
export class UnsentSpan implements Span, Place {
  readonly trace: Id;
  readonly id = Id.random(8);
  readonly traceFlags = TraceFlags.NONE;
  readonly begunAt: number;

  constructor(trace: Id, start: Beginning = {}) {
    this.trace = trace;
    this.begunAt = beginningOf(start);
  }

  get traceId(): string {
    return this.trace.digits;
  }

  get spanId(): string {
    return this.id.digits;
  }

  get traceparent(): string {
    return `00-${this.traceId}-${this.spanId}-00`;
  }

  toJSON(): string {
    return this.traceparent;
  }

  set(): void {
    // Nobody will see it.
  }

  rename(): void {
    // Nobody will see it.
  }

  end(_errorType?: string, endedAt = performance.now()): number {
    return (endedAt - this.begunAt) / 1000;
  }
}

/** Returns the beginning of a span, in milliseconds by this process's monotonic clock. */
function beginningOf({ startedAt, begunAt }: Beginning): number {
  if (begunAt !== undefined) return begunAt;
  const now = performance.now();
  return startedAt === undefined ? now : now - (Date.now() - startedAt);
}
