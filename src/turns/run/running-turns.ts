/** The turns that run in this process, by their ids. */
import type { RunningTurn, StopReason } from './running-turn.ts';

export class RunningTurns {
  readonly byId: ReadonlyMap<string, RunningTurn>;
  readonly #turns = new Map<string, RunningTurn>();
  readonly #onActive: ((active: boolean) => void) | undefined;

  /** @param onActive called when the first turn begins and when the last has ended */
  constructor(onActive: ((active: boolean) => void) | undefined) {
    this.byId = this.#turns;
    this.#onActive = onActive;
  }

  add(turn: RunningTurn): void {
    this.#turns.set(turn.head.turnId, turn);
    if (this.#turns.size === 1) this.#onActive?.(true);
  }

  remove({ head }: RunningTurn): void {
    this.#turns.delete(head.turnId);
    if (this.#turns.size === 0) this.#onActive?.(false);
  }

  /**
   * Stops all turns, or those of one conversation. Resolves when their ends are stored, which never
   * fails.
   */
  async stop(reason: StopReason, conversationId?: string): Promise<void> {
    const turns = [...this.#turns.values()].filter(
      ({ head }) => conversationId === undefined || head.conversationId === conversationId,
    );
    for (const turn of turns) turn.stop(reason);
    await Promise.all(turns.map((turn) => turn.ended));
  }
}
