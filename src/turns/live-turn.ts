/** A turn while it runs in this process: the growing answer, who waits for it, and why it should stop. */
import { GrowingParts, type Position } from '../chat/growing-parts.ts';
import type { Outcome, TurnHead } from '../chat/message.ts';
import type { GrowingType, Part } from '../chat/parts.ts';
import type { Source } from './source.ts';

/** Why a turn is stopped from outside: its user, a shutdown, or another instance that took it over or deleted it. */
export type StopReason = 'cancelled' | 'shutdown' | 'lost';

/** Runs `wake` a little later, so that what arrives together is written together. */
export type Coalesce = (wake: () => void) => void;

export class LiveTurn implements Source {
  readonly head: TurnHead;
  readonly parts = new GrowingParts();
  /** Milliseconds by this process's monotonic clock. */
  readonly startedAt = performance.now();
  firstTokenAt: number | undefined;
  outcome: Outcome | undefined;
  readonly #stop = new AbortController();
  readonly #ended = Promise.withResolvers<Outcome>();
  readonly #coalesce: Coalesce;
  #waiting: (() => void)[] = [];
  #wakePlanned = false;
  /** What the last successful checkpoint held; undefined after one whose fate is unknown: the next replaces the whole. */
  stored: Position | undefined = { part: 0, offset: 0 };
  /** When a checkpoint was last tried, or the turn accepted. */
  storedAt = performance.now();

  constructor(head: TurnHead, coalesce: Coalesce) {
    this.head = head;
    this.#coalesce = coalesce;
  }

  append(type: GrowingType, delta: string): void {
    if (delta === '') return;
    const first = this.firstTokenAt === undefined;
    if (first) this.firstTokenAt = performance.now();
    this.parts.append(type, delta);
    // The first token is what people wait for.
    if (first) this.#wake();
    else this.#planWake();
  }

  add(part: Exclude<Part, { text: string }>): void {
    this.parts.add(part);
    this.#planWake();
  }

  /** To be called once, after the end is stored. */
  end(outcome: Outcome): void {
    this.outcome = outcome;
    this.#ended.resolve(outcome);
    this.#wake();
  }

  get ended(): Promise<Outcome> {
    return this.#ended.promise;
  }

  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Asks the turn to stop; the first reason counts. */
  stop(reason: StopReason): void {
    this.#stop.abort(reason);
  }

  get stopSignal(): AbortSignal {
    return this.#stop.signal;
  }

  get stopReason(): StopReason | undefined {
    // Only `stop` aborts this signal.
    return this.#stop.signal.aborted ? (this.#stop.signal.reason as StopReason) : undefined;
  }

  #planWake(): void {
    if (this.#wakePlanned || this.#waiting.length === 0) return;
    this.#wakePlanned = true;
    this.#coalesce(() => {
      this.#wakePlanned = false;
      this.#wake();
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
