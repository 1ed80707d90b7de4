/** One turn, from its acceptance to its stored end. */
import { failureOf } from '../../core/errors.ts';
import type { Ending } from '../../store/turns/checkpoint.ts';
import { logTurn } from './log-turn.ts';
import { brokenEnding, endingOf } from './finish.ts';
import { generate } from './generate.ts';
import { ground } from './retrieve-context.ts';
import { storeEnding } from './store-ending.ts';
import type { RunDependencies, TurnJob } from './types.ts';

/** Runs an accepted turn and stores its end. Never throws: whatever happens becomes the turn's outcome, told to its readers after it is stored. */
export async function runTurn(work: TurnJob, services: RunDependencies): Promise<void> {
  const ending = await answer(work, services);
  const outcome = await storeEnding(work.live, ending, services);
  work.live.end(outcome);
  logTurn(work.live.head, outcome, services.log);
}

async function answer(work: TurnJob, services: RunDependencies): Promise<Ending> {
  try {
    const grounding = await ground(work, services);
    const generated = await generate(work, grounding, services);
    return endingOf(work.live, generated);
  } catch (error) {
    const failure = failureOf(error);
    // A defect of ours must not leave a turn without an end.
    if (failure.code === 'internal_error')
      services.report(`turn ${work.live.head.turnId} failed`, error);
    return brokenEnding(work.live, failure);
  }
}
