/** Steps after a turn: what is done once its end is stored and told, and what no reader waits for. */
import type { Logger } from '../../core/logger.ts';
import type { Outcome, TurnHead } from '../../core/message.ts';
import type { Report } from '../../core/report.ts';
import { logTurn } from './log-turn.ts';

/** A turn that is over, and what a step may use. */
export interface EndedTurn {
  head: TurnHead;
  outcome: Outcome;
  log: Logger;
}

/** One step. It may take its time: the turn is over, and nobody waits. */
export type AfterTurn = (turn: EndedTurn) => void | Promise<void>;

/** The steps in their order. To add one, write a file like `log-turn.ts` and list it here. */
const STEPS: readonly AfterTurn[] = [logTurn];

/** Takes the steps, one after the other. A step that fails is reported and keeps no other from its work. */
export async function afterTurn(
  turn: EndedTurn,
  report: Report,
  steps: readonly AfterTurn[] = STEPS,
): Promise<void> {
  for (const step of steps) {
    try {
      await step(turn);
    } catch (error) {
      report(`a step after turn ${turn.head.turnId} failed`, error);
    }
  }
}
