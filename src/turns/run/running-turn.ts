/** A turn while it runs in this process: the growing answer, who waits for it, and why it should stop. */
import { MessageBuffer, type Position } from '../../core/message-buffer.ts';
import type { Outcome, TurnHead } from '../../core/message.ts';
import type { GrowingType, Part } from '../../core/parts.ts';
import type { TurnSource } from '../follow/turn-source.ts';

/** Why a turn is stopped from outside: its user, a shutdown, or another instance that took it over or deleted it. */
export type StopReason = 'cancelled' | 'shutdown' | 'lost';

/** Runs `wake` a little later, so that what arrives together is written together. */
export type Coalesce = (wake: () => void) => void;

export class RunningTurn implements TurnSource {
  readonly head: TurnHead;
  readonly parts = new MessageBuffer();
  /** Milliseconds by this process's monotonic clock. */
  readonly startedAt = performance.now();
  firstTokenAt: number | undefined;
  outcome: Outcome | undefined;
  readonly #onStop = new Set<() => void>();
  #stopReason: StopReason | undefined;
  #stopSignal: AbortSignal | undefined;
  readonly #ended = Promise.withResolvers<Outcome>();
  readonly #coalesce: Coalesce;
  #waiting: (() => void)[] = [];
  #wakePlanned = false;
  /** What the last successful checkpoint held; undefined after one whose fate is unknown: the next replaces the whole. */
  stored: Position | undefined = { part: 0, offset: 0 };
  /** How many checkpoints were tried. */
  checkpoints = 0;
  /** When a checkpoint was last tried, or the turn accepted. */
  storedAt = performance.now();

  constructor(head: TurnHead, coalesce: Coalesce) {
    this.head = head;
    this.#coalesce = coalesce;
  }

  /** How many clients read it, and whether it is to stop when none is left. */
  #readers = 0;
  #stopsUnread = false;

  /** Counts a client in. @param stopsUnread whether it wants the turn cancelled when the last has gone */
  addReader(stopsUnread: boolean): void {
    this.#readers++;
    this.#stopsUnread ||= stopsUnread;
  }

  /** Counts a client out that went away before the end. */
  removeReader(): void {
    this.#readers--;
    if (this.#readers === 0 && this.#stopsUnread) this.stop('cancelled');
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
    // A call is the model's word, too: no other model may take it up.
    if (part.type === 'tool_call') this.firstTokenAt ??= performance.now();
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
    if (this.#stopReason) return;
    this.#stopReason = reason;
    for (const stop of this.#onStop) stop();
  }

  /**
   * Calls back when the turn is to stop, at once if it already is.
   * @returns what takes that back
   */
  onStop(callback: () => void): () => void {
    if (this.#stopReason) callback();
    this.#onStop.add(callback);
    return () => this.#onStop.delete(callback);
  }

  /** For those who know nothing but signals; made when first wanted, since most turns never stop. */
  get stopSignal(): AbortSignal {
    if (this.#stopSignal) return this.#stopSignal;
    const controller = new AbortController();
    this.onStop(() => controller.abort(this.#stopReason));
    return (this.#stopSignal = controller.signal);
  }

  get stopReason(): StopReason | undefined {
    return this.#stopReason;
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
