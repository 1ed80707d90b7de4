/**
 * A span that is told. It is made by hand: a span of the SDK costs several times as much, since it
 * checks what our types hold already and can be told more than we tell. It only keeps what it is
 * given; what is made of that is made of many spans at once, which costs far less.
 */
import { SpanKind, TraceFlags } from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import { newHex } from '../../core/ids.ts';
import type { Attributes, Span, SpanPlace, SpanStart } from '../../core/telemetry.ts';

const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
} as const;

/** The origin of all spans of a process. */
export interface SpanOrigin {
  readonly resource: Resource;
  readonly scope: InstrumentationScope;
}

export class SentSpan implements Span {
  name: string;
  readonly kind: SpanKind;
  readonly traceId: string;
  readonly spanId = newHex(8);
  readonly traceFlags = TraceFlags.SAMPLED;
  readonly parent: SpanPlace | undefined;
  /** The attributes in the order in which they were set; some are undefined. */
  readonly attributes: Attributes[] = [];
  hasFailed = false;
  /** Its beginning and its end, in milliseconds since the epoch; the end is NaN before it. */
  readonly startedAt: number;
  endedAt = Number.NaN;
  /** Its beginning by the clock that is never set. */
  readonly #begunAt: number;
  readonly #take: (span: SentSpan) => void;

  /** @param take is given the span when it has ended */
  constructor(
    { name, kind, attributes, startedAt }: SpanStart,
    traceId: string,
    parent: SpanPlace | undefined,
    take: (span: SentSpan) => void,
  ) {
    this.name = name;
    this.kind = KINDS[kind];
    this.traceId = traceId;
    this.parent = parent;
    this.#take = take;
    const now = Date.now();
    this.startedAt = startedAt ?? now;
    this.#begunAt = performance.now() - (now - this.startedAt);
    if (attributes) this.attributes.push(attributes);
  }

  get traceparent(): string {
    return `00-${this.traceId}-${this.spanId}-01`;
  }

  set(attributes: Attributes): void {
    this.attributes.push(attributes);
  }

  rename(name: string): void {
    this.name = name;
  }

  end(errorType?: string): void {
    if (!Number.isNaN(this.endedAt)) return;
    if (errorType !== undefined) {
      this.attributes.push({ 'error.type': errorType });
      this.hasFailed = true;
    }
    this.endedAt = this.startedAt + performance.now() - this.#begunAt;
    this.#take(this);
  }
}

/** A span that is not sent: the spans and services below it are told its place nevertheless. */
export class UnsentSpan implements Span {
  readonly traceId: string;
  readonly spanId = newHex(8);
  readonly traceFlags = TraceFlags.NONE;

  constructor(traceId: string) {
    this.traceId = traceId;
  }

  get traceparent(): string {
    return `00-${this.traceId}-${this.spanId}-00`;
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
