/**
 * Writes spans as OTLP's `ExportTraceServiceRequest`, in the binary form of protobuf. What it
 * writes is what the package would, which reads each span twice, through an object for each of its
 * parts, and knows nothing of attributes that come again.
 */
import type { Attributes } from '../../core/telemetry.ts';
import { ProtobufWriter } from './protobuf-writer.ts';
import type { SentSpan, SpanOrigin } from './sent-span.ts';
import type { SpanWriter } from './span-queue.ts';

/** The bytes that the length of all spans takes, mostly; of a span; of a smaller message. */
const ALL = 3;
const ONE = 2;
const SMALL = 1;
/** The flags of a span that is sampled, when it is known whether its parent is elsewhere. */
const FLAGS = 0x101;
/** The flag of one whose parent is. */
const IS_REMOTE = 0x200;
const OK = 0;
const FAILED = 2;

type Value = NonNullable<Attributes[string]>;

export class ProtobufSpans implements SpanWriter {
  readonly #origin: SpanOrigin;
  readonly #writer = new ProtobufWriter();
  /** The beginnings of the messages that the spans are in, once there are spans. */
  #begun: { resourceSpans: number; scopeSpans: number } | undefined;
  /** Attributes of spans that are frozen, as they were written before. */
  readonly #known = new WeakMap<Attributes, Uint8Array>();

  /** The endings of spans, as they were written before: there are four. */
  readonly #endings: Uint8Array[] = [];

  constructor(origin: SpanOrigin) {
    this.#origin = origin;
  }

  add(span: SentSpan): void {
    this.#begun ??= this.#begin();
    const { position } = this.#writer;
    try {
      this.#span(span);
    } catch (error) {
      this.#writer.backTo(position);
      throw error;
    }
  }

  take(): Uint8Array<ArrayBuffer> {
    const { resource, scope } = this.#origin;
    const { resourceSpans, scopeSpans } = this.#begun ?? this.#begin();
    const writer = this.#writer;
    if (scope.schemaUrl) writer.string(3, scope.schemaUrl);
    writer.end(scopeSpans, ALL);
    if (resource.schemaUrl) writer.string(3, resource.schemaUrl);
    writer.end(resourceSpans, ALL);
    this.#begun = undefined;
    return writer.take();
  }

  #begin() {
    const { resource, scope } = this.#origin;
    const writer = this.#writer;
    const resourceSpans = writer.begin(1, ALL);
    const about = writer.begin(1, ONE);
    // Those of a resource are texts, as the settings have them.
    this.#attributes(1, resource.attributes as Attributes);
    writer.whole(2, 0);
    writer.end(about, ONE);
    const scopeSpans = writer.begin(2, ALL);
    const named = writer.begin(1, SMALL);
    writer.string(1, scope.name);
    if (scope.version) writer.string(2, scope.version);
    writer.end(named, SMALL);
    return { resourceSpans, scopeSpans };
  }

  #span(span: SentSpan): void {
    const { parent } = span;
    const writer = this.#writer;
    const begun = writer.begin(2, ONE);
    writer.id(1, span.trace);
    writer.id(2, span.id);
    if (parent) writer.id(4, parent.id);
    writer.string(5, span.name);
    // Their numbers begin with a kind that is not specified.
    writer.whole(6, span.kind + 1);
    writer.time(7, span.startedAt);
    writer.time(8, span.endedAt);
    for (const attributes of span.attributes) this.#attributesOfSpan(attributes);
    const ending = (span.hasFailed ? 2 : 0) + (parent?.isRemote ? 1 : 0);
    writer.fields((this.#endings[ending] ??= endingOf(span)));
    writer.end(begun, ONE);
  }

  #attributesOfSpan(attributes: Attributes): void {
    const writer = this.#writer;
    const known = this.#known.get(attributes);
    if (known) return writer.fields(known);
    const begun = writer.position;
    this.#attributes(9, attributes);
    if (Object.isFrozen(attributes)) this.#known.set(attributes, writer.since(begun));
  }

  #attributes(field: number, attributes: Attributes): void {
    for (const name in attributes) {
      const value = attributes[name];
      if (value !== undefined) this.#attribute(field, name, value);
    }
  }

  #attribute(field: number, name: string, value: Value): void {
    const writer = this.#writer;
    const attribute = writer.begin(field, SMALL);
    writer.string(1, name);
    this.#value(2, value);
    writer.end(attribute, SMALL);
  }

  #value(field: number, value: Value): void {
    const writer = this.#writer;
    const begun = writer.begin(field, SMALL);
    if (typeof value === 'string') writer.string(1, value);
    else if (typeof value === 'boolean') writer.whole(2, value ? 1 : 0);
    else if (typeof value !== 'number') this.#list(value);
    else if (Number.isSafeInteger(value)) writer.whole(3, value);
    else writer.double(4, value);
    writer.end(begun, SMALL);
  }

  #list(values: readonly string[]): void {
    const writer = this.#writer;
    const begun = writer.begin(5, SMALL);
    for (const value of values) this.#value(1, value);
    writer.end(begun, SMALL);
  }
}

/** Returns the fields that end a span, which say how it went. */
function endingOf({ hasFailed, parent }: SentSpan): Uint8Array {
  const writer = new ProtobufWriter();
  // Nothing was left out: no attributes, events or links.
  for (const dropped of [10, 12, 14]) writer.whole(dropped, 0);
  const status = writer.begin(15, SMALL);
  writer.whole(3, hasFailed ? FAILED : OK);
  writer.end(status, SMALL);
  writer.fixed32(16, parent?.isRemote ? FLAGS | IS_REMOTE : FLAGS);
  return writer.take();
}
