/**
 * Keeps spans that have ended until they are sent. It holds a limited number: when they cannot be
 * sent, the newest are dropped, and nobody waits.
 */
import type { SentSpan } from './sent-span.ts';

/** The most spans that wait: about 3 MB. */
const MOST_WAITING = 2_048;
/** Spans of one request to the collector. */
export const MOST_AT_ONCE = 512;

export class SpanQueue {
  #spans: SentSpan[] = [];
  /** Spans that found the queue full since this was asked last. */
  #dropped = 0;

  /** Returns the number of spans that wait then. */
  add(span: SentSpan): number {
    if (this.#spans.length >= MOST_WAITING) this.#dropped++;
    else this.#spans.push(span);
    return this.#spans.length;
  }

  /** Takes the oldest spans out. */
  take(): SentSpan[] {
    return this.#spans.splice(0, MOST_AT_ONCE);
  }

  get size(): number {
    return this.#spans.length;
  }

  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }
}
