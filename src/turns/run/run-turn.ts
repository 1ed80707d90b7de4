/** One turn, from its acceptance to its stored end. */
import { failureOf } from '../../core/errors.ts';
import type { Outcome } from '../../core/message.ts';
import { endedMessage, endTurn, type Ending } from '../../store/turns/checkpoint.ts';
import { afterTurn } from '../after/after-turn.ts';
import { brokenEnding, endingOf } from './finish.ts';
import { generate } from './generate.ts';
import { ground } from './retrieve-context.ts';
import type { RunningTurn } from './running-turn.ts';
import type { RunDependencies, TurnJob } from './types.ts';

/**
 * Runs an accepted turn and stores its end. Never throws: whatever happens becomes the turn's outcome,
 * which its readers are told after it is stored.
 */
export async function runTurn(work: TurnJob, services: RunDependencies): Promise<void> {
  const ending = await answer(work, services);
  const outcome = await storeEnding(work.live, ending, services);
  work.live.end(outcome);
  services.defer(afterTurn({ head: work.live.head, outcome, log: services.log }, services.report));
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

/**
 * Stores the end and returns what is then stored: another instance may have ended or deleted the turn
 * meanwhile, and that counts.
 */
async function storeEnding(
  live: RunningTurn,
  ending: Ending,
  { db, instanceId, settings, report }: RunDependencies,
): Promise<Outcome> {
  const { head } = live;
  try {
    const retryForMs = settings.storeGraceMs;
    const stored = await endTurn(db, { head, instanceId, ending, retryForMs });
    if (stored) return { message: stored.message, error: stored.error };
    return { message: endedMessage(head, { ...ending, status: 'cancelled' }) };
  } catch (error) {
    report(`the end of turn ${head.turnId} could not be stored`, error);
    const detail = 'The answer could not be stored: the database cannot be reached';
    return {
      message: endedMessage(head, { ...ending, status: 'interrupted', finishReason: null }),
      error: { code: 'not_stored', detail },
    };
  }
}
