/** Writes spans as JSON, by the collector's package. */
import { SpanStatusCode, type HrTime } from '@opentelemetry/api';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { SentSpan, SpanOrigin } from './sent-span.ts';
import type { SpanWriter } from './span-queue.ts';

const UNSET = { code: SpanStatusCode.UNSET };
const FAILED = { code: SpanStatusCode.ERROR };

export class JsonSpans implements SpanWriter {
  readonly #origin: SpanOrigin;
  #spans: ReadableSpan[] = [];

  constructor(origin: SpanOrigin) {
    this.#origin = origin;
  }

  add(span: SentSpan): void {
    this.#spans.push(readableSpan(span, this.#origin));
  }

  take(): Uint8Array<ArrayBuffer> {
    const spans = this.#spans;
    this.#spans = [];
    const request = JsonTraceSerializer.serializeRequest(spans);
    return new Uint8Array(request ?? []);
  }
}

/** Shows a span that has ended as the package reads it. */
export function readableSpan(span: SentSpan, { resource, scope }: SpanOrigin): ReadableSpan {
  const { name, kind, parent, startedAt, endedAt } = span;
  const attributes = Object.entries(Object.assign({}, ...span.attributes));
  return {
    ...{ name, kind, resource, instrumentationScope: scope },
    ...(parent && { parentSpanContext: parent }),
    spanContext: () => span,
    attributes: Object.fromEntries(attributes.filter(([, value]) => value !== undefined)),
    status: span.hasFailed ? FAILED : UNSET,
    ...{ startTime: timeOf(startedAt), endTime: timeOf(endedAt) },
    ...{ duration: timeOf(endedAt - startedAt), ended: true },
    ...{ links: [], events: [] },
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  };
}

/** Returns milliseconds as seconds and nanoseconds. */
function timeOf(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1000);
  return [seconds, Math.round((milliseconds - seconds * 1000) * 1e6)];
}
