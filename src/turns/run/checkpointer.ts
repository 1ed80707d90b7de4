/** The heartbeat of an instance: while turns run, about once a second, one request stores what they gained, renews their lease and learns who wants them stopped. */
import type { Database } from '../../store/database.ts';
import { saveCheckpoints, type Checkpoint } from '../../store/turns/checkpoint.ts';
import type { Report } from '../../core/report.ts';
import type { Position } from '../../core/message-buffer.ts';
import type { RunningTurn } from './running-turn.ts';

/** A turn is stored about so often, in milliseconds: what a crash may cost. A shorter turn is never stored before its end. */
const CHECKPOINT_MS = 1_000;
/** How often it is looked which turns are due. */
const TICK_MS = 500;

export class Checkpointer {
  readonly #db: Database;
  readonly #instanceId: string;
  readonly #turns: ReadonlyMap<string, RunningTurn>;
  readonly #report: Report;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** While a checkpoint is under way, milliseconds between heartbeats. */
  readonly #renewEveryMs: number;
  #isStoring = false;
  /** When the database was last told that this instance is alive. */
  #toldAt = 0;

  constructor({
    db,
    instanceId,
    turns,
    leaseMs,
    report,
  }: {
    db: Database;
    instanceId: string;
    turns: ReadonlyMap<string, RunningTurn>;
    leaseMs: number;
    report: Report;
  }) {
    this.#renewEveryMs = leaseMs / 6;
    this.#report = report;
    this.#db = db;
    this.#instanceId = instanceId;
    this.#turns = turns;
  }

  /** To be called when a turn begins; the pulse stops by itself when none runs. */
  start(): void {
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#beat(), TICK_MS);
  }

  #beat(): void {
    this.#timer = undefined;
    const running = [...this.#turns.values()].filter((turn) => !turn.outcome);
    if (this.#isStoring) this.#renewAll(running);
    else this.#storeDue(running);
    if (this.#turns.size > 0) this.start();
  }

  /** While a checkpoint hangs, which may arrive yet, nothing is added to it; but nobody shall take these turns for lost. */
  #renewAll(running: RunningTurn[]): void {
    if (performance.now() - this.#toldAt < this.#renewEveryMs) return;
    this.#toldAt = performance.now();
    void this.#save(running, []).catch((error: unknown) =>
      this.#report('a heartbeat was lost', error),
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
      this.#report('a checkpoint could not be stored', error);
      // Whether it arrived is unknown: what follows may have nothing to be appended to.
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
