/**
 * Watches the three time limits of a model's stream (to the first token, between tokens, in all)
 * with one timer, which is rarely set.
 */
export interface TimeLimits {
  firstTokenMs: number;
  idleMs: number;
  totalMs: number;
}

export class StallWatchdog {
  readonly #limits: TimeLimits;
  readonly #onLate: () => void;
  readonly #deadline: number;
  #due: number;
  /** The time at which the timer fires. */
  #looksAt = 0;
  #isFirst = true;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Starts the watch.
   * @param deadline when the turn must be over, on the clock of `performance.now()`
   */
  constructor(limits: TimeLimits, deadline: number, onLate: () => void) {
    this.#limits = limits;
    this.#onLate = onLate;
    this.#deadline = deadline;
    this.#due = performance.now() + limits.firstTokenMs;
    this.#set();
  }

  /** Notes a token; the next one is due within `idleMs`. */
  alive(): void {
    this.#due = performance.now() + this.#limits.idleMs;
    // From now on the due time only moves later, and a timer that fires too early sets itself
    // again.
    if (!this.#isFirst) return;
    this.#isFirst = false;
    if (this.#looksAt <= this.#due) return;
    clearTimeout(this.#timer);
    this.#set();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #set(): void {
    this.#looksAt = Math.min(this.#due, this.#deadline);
    this.#timer = setTimeout(() => this.#look(), Math.max(this.#looksAt - performance.now(), 1));
  }

  #look(): void {
    if (performance.now() < Math.min(this.#due, this.#deadline)) this.#set();
    else this.#onLate();
  }
}
