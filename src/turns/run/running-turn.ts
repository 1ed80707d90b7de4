/** A turn that runs in this process: the growing answer, its readers, and the reason to stop it. */
import type { Budget } from '../../core/limits.ts';
import { MessageBuffer, type Position } from '../../core/message-buffer.ts';
import type { Outcome, TurnHead } from '../../core/message.ts';
import type { GrowingType, Part } from '../../core/parts.ts';
import { SharedReads } from '../follow/shared-reads.ts';
import type { TurnSource } from '../follow/turn-source.ts';
import { CallLog } from './call-log.ts';

/**
 * The reasons to stop a turn from outside: its user cancelled it, the process shuts down, or
 * another instance took it over or deleted it.
 */
export type StopReason = 'cancelled' | 'shutdown' | 'lost';

/** Runs `wake` a little later, so that text that arrives close together is written at once. */
export type Coalesce = (wake: () => void) => void;

export class RunningTurn implements TurnSource {
  readonly head: TurnHead;
  readonly parts = new MessageBuffer();
  readonly shared = new SharedReads();
  readonly calls = new CallLog();
  readonly limits: Budget | undefined;
  /** The ids of the messages that have joined the turn while it ran. */
  readonly joined = new Set<string>();
  /** The number of messages that came to steer it and have joined it or were taken back. */
  handled = 0;
  /** The start of the turn, in milliseconds by this process's monotonic clock. */
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
  /**
   * The end of what the last successful checkpoint stored. Undefined after one whose fate is
   * unknown; the next checkpoint then replaces the whole text.
   */
  stored: Position | undefined = { part: 0, offset: 0 };
  /** The number of checkpoints that were tried. */
  checkpoints = 0;
  /** The time of the last attempt at a checkpoint, or of the acceptance of the turn. */
  storedAt = performance.now();

  /** @param limits how the limits of the user stood when the turn was accepted */
  constructor(head: TurnHead, coalesce: Coalesce, limits?: Budget) {
    this.head = head;
    this.limits = limits;
    this.#coalesce = coalesce;
  }

  /**
   * The number of clients that read the turn, and whether the turn is cancelled when the last has
   * left.
   */
  #readers = 0;
  #stopsUnread = false;

  /**
   * Counts a client in.
   * @param stopsUnread whether the client wants the turn cancelled when the last one has left
   */
  addReader(stopsUnread: boolean): void {
    this.#readers++;
    this.#stopsUnread ||= stopsUnread;
  }

  /** Counts out a client that left before the end. */
  removeReader(): void {
    this.#readers--;
    if (this.#readers === 0 && this.#stopsUnread) this.stop('cancelled');
  }

  append(type: GrowingType, delta: string): void {
    if (delta === '') return;
    const first = this.firstTokenAt === undefined;
    if (first) this.firstTokenAt = performance.now();
    this.parts.append(type, delta);
    this.shared.clear();
    // Users wait for the first token, so it is not delayed.
    if (first) this.#wake();
    else this.#planWake();
  }

  add(part: Exclude<Part, { text: string }>): void {
    // A tool call counts as output, so no fallback model may be tried after it.
    if (part.type === 'tool_call') this.firstTokenAt ??= performance.now();
    this.parts.add(part);
    this.shared.clear();
    this.#planWake();
  }

  /** Adds a message that steers the turn. */
  join(messageId: string, part: Extract<Part, { type: 'steered' }>): void {
    this.joined.add(messageId);
    this.add(part);
  }

  /** Ends the turn for its readers; call it once, after the end is stored. */
  end(outcome: Outcome): void {
    this.outcome = outcome;
    this.shared.clear();
    this.#ended.resolve(outcome);
    this.#wake();
  }

  get ended(): Promise<Outcome> {
    return this.#ended.promise;
  }

  onChange(callback: () => void): void {
    this.#waiting.push(callback);
  }

  /** Asks the turn to stop; the first reason is kept. */
  stop(reason: StopReason): void {
    if (this.#stopReason) return;
    this.#stopReason = reason;
    for (const stop of this.#onStop) stop();
  }

  /**
   * Calls back when the turn should stop, at once if it already should.
   * @returns a function that removes the callback
   */
  onStop(callback: () => void): () => void {
    if (this.#stopReason) callback();
    this.#onStop.add(callback);
    return () => this.#onStop.delete(callback);
  }

  /**
   * Returns a signal that is aborted when the turn should stop. It is made when first needed, since
   * most turns never stop.
   */
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

  /** Calls back in a microtask: whoever appends is not kept by those who read. */
  #wake(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    queueMicrotask(() => {
      for (const callback of waiting) callback();
    });
  }
}
