/** The wire of whoever waits for the whole: nothing until the end, then how the turn ended, as JSON between our own parts. */
import type { Outcome, TurnHead } from '../core/message.ts';
import type { Encoder } from './wire.ts';

export interface FinishedTurn extends Outcome {
  head: TurnHead;
}

export function outcomeEncoder(): Encoder {
  const nothing = () => '';
  return {
    initialId: nothing,
    started: nothing,
    text: nothing,
    reasoning: nothing,
    part: nothing,
    ended: (head, outcome) => JSON.stringify({ head, ...outcome } satisfies FinishedTurn),
    keepAlive: nothing,
  };
}
