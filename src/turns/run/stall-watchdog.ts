/** The three time limits of a model's stream, by one timer that is seldom set: to the first token, between tokens, in all. */
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
  /** When the timer looks. */
  #looksAt = 0;
  #isFirst = true;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param deadline when the turn has to be over, on the clock of `performance.now()` */
  constructor(limits: TimeLimits, deadline: number, onLate: () => void) {
    this.#limits = limits;
    this.#onLate = onLate;
    this.#deadline = deadline;
    this.#due = performance.now() + limits.firstTokenMs;
    this.#set();
  }

  /** Something came: the next is due `idleMs` from now. */
  alive(): void {
    this.#due = performance.now() + this.#limits.idleMs;
    // From now on the due time only moves on. A timer that looks no later than that looks again.
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
