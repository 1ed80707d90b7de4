/**
 * Keeps spans that have ended until they are sent. It holds a limited number: when they cannot be
 * sent, the newest are dropped, and nobody waits.
 */
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';

/** The most spans that wait: about 3 MB. */
const MOST_WAITING = 2_048;
/** Spans of one request to the collector. */
export const MOST_AT_ONCE = 512;

export class SpanQueue implements SpanProcessor {
  #spans: ReadableSpan[] = [];
  /** Spans that found the queue full since this was asked last. */
  #dropped = 0;

  onStart(): void {
    // A span is looked at when it has ended.
  }

  onEnd(span: ReadableSpan): void {
    if (this.#spans.length < MOST_WAITING) this.#spans.push(span);
    else this.#dropped++;
  }

  /** Takes the oldest spans out. */
  take(): ReadableSpan[] {
    return this.#spans.splice(0, MOST_AT_ONCE);
  }

  get isEmpty(): boolean {
    return this.#spans.length === 0;
  }

  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}
