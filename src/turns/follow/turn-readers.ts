/** Lets clients read turns, and counts those that read a turn which runs here. */
import type { RunningTurns } from '../run/running-turns.ts';
import type { OnDisconnect, StreamOptions, TurnRun, TurnStream } from '../turn-service.ts';
import { KeepAliveTimer } from './keep-alive-timer.ts';
import { Subscription } from './subscription.ts';
import type { StartAt } from './turn-reader.ts';
import type { TurnSource } from './turn-source.ts';
import { runOf } from './wait-for-end.ts';

export class TurnReaders {
  readonly #running: RunningTurns;
  readonly #keepAlive: KeepAliveTimer;

  constructor({ running, keepAliveMs }: { running: RunningTurns; keepAliveMs: number }) {
    this.#running = running;
    this.#keepAlive = new KeepAliveTimer(keepAliveMs);
  }

  /** Returns a stream of the turn, for one client. */
  stream(
    source: TurnSource,
    { wire, initialId, onDisconnect }: StreamOptions,
    startAt: StartAt,
  ): TurnStream {
    const keepAlive = this.#keepAlive;
    const onLeave = this.#enter(source, onDisconnect);
    return new Subscription({ source, wire, startAt, initialId, keepAlive, onLeave });
  }

  /** Returns a handle to wait for the end of the turn, for one client. */
  run(source: TurnSource, onDisconnect: OnDisconnect): TurnRun {
    return runOf(source, this.#enter(source, onDisconnect));
  }

  /** Counts a reader in and returns a function that counts it out again. */
  #enter({ head }: TurnSource, onDisconnect: OnDisconnect): () => void {
    const running = this.#running.byId.get(head.turnId);
    running?.addReader(onDisconnect === 'cancel');
    return () => running?.removeReader();
  }
}
