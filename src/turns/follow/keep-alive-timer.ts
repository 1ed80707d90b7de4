/**
 * One timer for all readers of a process. With thousands of readers, a timer for each would cost
 * time and memory.
 */

export interface Listener {
  /** Called four times in each keep-alive period. */
  onQuarter(): void;
}

export class KeepAliveTimer {
  readonly #periodMs: number;
  readonly #listeners = new Set<Listener>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param periodMs a comment is sent when nothing else was for so long, milliseconds */
  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  add(listener: Listener): void {
    this.#listeners.add(listener);
    this.#timer ??= setInterval(() => this.#tick(), this.#periodMs / 4);
  }

  remove(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    for (const listener of this.#listeners) listener.onQuarter();
  }
}
