/**
 * Sends the heartbeat of an instance: while turns run, one request about once a second stores their
 * new text, renews their leases and learns which of them should stop.
 */
import type { Database } from '../../store/database.ts';
import { saveCheckpoints, type Checkpoint } from '../../store/turns/checkpoint.ts';
import type { Logger } from '../../core/logger.ts';
import type { Position } from '../../core/message-buffer.ts';
import type { RunningTurn } from './running-turn.ts';

/**
 * The interval at which a turn is stored, in milliseconds, which is what a crash may lose. A
 * shorter turn is stored at its end only.
 */
const CHECKPOINT_MS = 1_000;
/** The interval at which the checkpointer checks which turns are due, in milliseconds. */
const TICK_MS = 500;

export class Checkpointer {
  readonly #db: Database;
  readonly #instanceId: string;
  readonly #turns: ReadonlyMap<string, RunningTurn>;
  readonly #log: Logger;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The interval of heartbeats while a checkpoint is under way, in milliseconds. */
  readonly #renewEveryMs: number;
  #isStoring = false;
  /** The time of the last heartbeat. */
  #toldAt = 0;

  constructor({
    db,
    instanceId,
    turns,
    leaseMs,
    log,
  }: {
    db: Database;
    instanceId: string;
    turns: ReadonlyMap<string, RunningTurn>;
    leaseMs: number;
    log: Logger;
  }) {
    this.#renewEveryMs = leaseMs / 6;
    this.#log = log;
    this.#db = db;
    this.#instanceId = instanceId;
    this.#turns = turns;
  }

  /** Starts the checkpointer; call it when a turn begins. It stops by itself when no turn runs. */
  start(): void {
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#sendHeartbeat(), TICK_MS);
  }

  #sendHeartbeat(): void {
    this.#timer = undefined;
    const running = [...this.#turns.values()].filter((turn) => !turn.outcome);
    if (this.#isStoring) this.#renewAll(running);
    else this.#storeDue(running);
    if (this.#turns.size > 0) this.start();
  }

  /**
   * Renews the leases of all turns while a checkpoint hangs. That checkpoint may still arrive, so
   * no text is added, but other instances must not take these turns for lost.
   */
  #renewAll(running: RunningTurn[]): void {
    if (performance.now() - this.#toldAt < this.#renewEveryMs) return;
    this.#toldAt = performance.now();
    void this.#save(running, []).catch((error: unknown) =>
      this.#log.error('a heartbeat was lost', { error }),
    );
  }

  #storeDue(running: RunningTurn[]): void {
    const due = performance.now() - CHECKPOINT_MS;
    const turns = running.filter(({ storedAt }) => storedAt <= due);
    if (turns.length === 0) return;
    this.#toldAt = performance.now();
    this.#isStoring = true;
    void this.#store(turns).finally(() => (this.#isStoring = false));
  }

  async #store(turns: RunningTurn[]): Promise<void> {
    for (const turn of turns) turn.storedAt = performance.now();
    try {
      const taken = turns.map((turn) => ({
        turn,
        end: turn.parts.end(),
        checkpoint: checkpointOf(turn),
      }));
      await this.#save(
        turns,
        taken.flatMap(({ checkpoint }) => checkpoint ?? []),
      );
      for (const { turn, end } of taken) turn.stored = end;
    } catch (error) {
      this.#log.error('a checkpoint could not be stored', { error });
      // The checkpoint may not have arrived, so the next one must replace the text instead of
      // appending to it.
      for (const turn of turns) turn.stored = undefined;
    }
  }

  async #save(turns: RunningTurn[], checkpoints: Checkpoint[]): Promise<void> {
    const turnIds = turns.map((turn) => turn.head.turnId);
    const states = await saveCheckpoints(this.#db, {
      instanceId: this.#instanceId,
      turnIds,
      checkpoints,
    });
    const known = new Map(states.map((state) => [state.turnId, state]));
    for (const turn of turns) obey(turn, known.get(turn.head.turnId));
  }
}

function obey(turn: RunningTurn, state: { cancelRequested: boolean } | undefined): void {
  if (!state) turn.stop('lost');
  else if (state.cancelRequested) turn.stop('cancelled');
}

function checkpointOf(turn: RunningTurn): Checkpoint | undefined {
  const since: Position = turn.stored ?? { part: 0, offset: 0 };
  const parts = turn.parts.since(since);
  if (parts.length === 0) return undefined;
  return {
    turnId: turn.head.turnId,
    messageId: turn.head.assistantMessage.id,
    count: ++turn.checkpoints,
    parts,
    replace: turn.stored === undefined,
    textLength: turn.parts.textLength,
  };
}
