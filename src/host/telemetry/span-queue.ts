/**
 * Keeps spans that have ended until they are sent. They are written down at once, since objects
 * that wait cost a busy process more than their bytes. It holds a limited number: when they cannot
 * be sent, the newest are dropped, and nobody waits.
 */
import type { SentSpan } from './sent-span.ts';

/** The most spans that wait: about 1.3 MB. */
const MOST_WAITING = 4_096;
/** Spans of one request to the collector. */
export const MOST_AT_ONCE = 1_024;

/** A way to write a request with spans. */
export interface SpanWriter {
  /** Adds a span to the request; nothing of it when it throws. */
  add(span: SentSpan): void;
  /** Returns the request, and begins another. */
  take(): Uint8Array<ArrayBuffer>;
}

export class SpanQueue {
  readonly #writer: SpanWriter;
  /** Requests that are full. */
  readonly #requests: Uint8Array<ArrayBuffer>[] = [];
  /** The spans of the request that is being written. */
  #written = 0;
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
    this.#writer.add(span);
    this.#written++;
    if (this.#written === MOST_AT_ONCE) this.#requests.push(this.#request());
    return this.size;
  }

  /** Takes out a request with the oldest spans; undefined when there are none. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#requests.length > 0) return this.#requests.shift();
    return this.#written === 0 ? undefined : this.#request();
  }

  get size(): number {
    return this.#requests.length * MOST_AT_ONCE + this.#written;
  }

  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #request(): Uint8Array<ArrayBuffer> {
    this.#written = 0;
    return this.#writer.take();
  }
}
