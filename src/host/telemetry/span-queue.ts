/**
 * Keeps spans that have ended until they are sent. They are written down a few at a time, since
 * objects that wait cost a busy process more than their bytes. It holds a limited number: when they
 * cannot be sent, the newest are dropped, and nobody waits.
 */
import type { SentSpan } from './sent-span.ts';

/** The most spans that wait: about 1.3 MB. */
const MOST_WAITING = 4_096;
/** Spans of one request to the collector. */
export const MOST_AT_ONCE = 1_024;
/** Spans that are written at once: those of about three turns. */
const GROUP = 16;

/** A way to write a request with spans. */
export interface SpanWriter {
  /** Adds spans to the request: all of them, or none when it throws. */
  add(spans: readonly SentSpan[]): void;
  /** Returns the request, and begins another. */
  take(): Uint8Array<ArrayBuffer>;
}

export class SpanQueue {
  readonly #writer: SpanWriter;
  /** Requests that are full. */
  readonly #requests: Uint8Array<ArrayBuffer>[] = [];
  /** The spans of the request that is being written. */
  #written = 0;
  /** Spans that are not written yet. */
  #group: SentSpan[] = [];
  /** Spans that found the queue full since this was asked last. */
  #dropped = 0;

  constructor(writer: SpanWriter) {
    this.#writer = writer;
  }

  /** Returns the number of spans that wait then. */
  add(span: SentSpan): number {
    if (this.size >= MOST_WAITING) {
      this.#dropped++;
      return MOST_WAITING;
    }
    if (this.#group.push(span) === GROUP) this.#write();
    if (this.#written === MOST_AT_ONCE) this.#requests.push(this.#request());
    return this.size;
  }

  /** Takes out a request with the oldest spans; undefined when there are none. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#requests.length > 0) return this.#requests.shift();
    this.#write();
    return this.#written === 0 ? undefined : this.#request();
  }

  get size(): number {
    return this.#requests.length * MOST_AT_ONCE + this.#written + this.#group.length;
  }

  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #write(): void {
    const group = this.#group;
    this.#group = [];
    this.#writer.add(group);
    this.#written += group.length;
  }

  #request(): Uint8Array<ArrayBuffer> {
    this.#written = 0;
    return this.#writer.take();
  }
}
