/** Runs the steps after a turn, once its end is stored and sent. No reader waits for them. */
import type { LedgerEntry } from '../../core/ledger.ts';
import type { Logger } from '../../core/logger.ts';
import type { Outcome, TurnHead } from '../../core/message.ts';
import { logTurn } from './log-turn.ts';

/** A turn that has ended, and the dependencies of a step. */
export interface EndedTurn {
  head: TurnHead;
  outcome: Outcome;
  /** The calls of models that it has made. */
  calls: readonly LedgerEntry[];
  log: Logger;
}

/** A step after a turn. It may take long, since the turn is over and nobody waits. */
export type AfterTurn = (turn: EndedTurn) => void | Promise<void>;

/** The steps, in their order. To add one, write a file like `log-turn.ts` and list it here. */
const STEPS: readonly AfterTurn[] = [logTurn];

/**
 * Runs the steps, one after the other. A step that fails is reported, and the next ones still run.
 */
export async function afterTurn(
  turn: EndedTurn,
  steps: readonly AfterTurn[] = STEPS,
): Promise<void> {
  for (const step of steps) {
    try {
      await step(turn);
    } catch (error) {
      turn.log.error('a step after a turn failed', { turn_id: turn.head.turnId, error });
    }
  }
}
