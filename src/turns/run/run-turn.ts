/** Runs one turn, from its acceptance to its stored end. */
import { failureOf } from '../../core/errors.ts';
import type { LedgerEntry } from '../../core/ledger.ts';
import type { Outcome } from '../../core/message.ts';
import { endedMessage, endTurn, type Ending } from '../../store/turns/end-turn.ts';
import { settleCalls } from '../../core/tool-calls.ts';
import { answerApprovals } from '../tools/answer-approvals.ts';
import { afterTurn } from '../after/after-turn.ts';
import { isAsAsked } from './check-format.ts';
import { brokenEnding, endingOf } from './finish.ts';
import { generate } from './generate.ts';
import { retrieveContext } from './retrieve-context.ts';
import { endSteered } from './steering.ts';
import type { RunDependencies, TurnJob } from './types.ts';

/**
 * Runs an accepted turn and stores its end. It never throws: every error becomes the turn's
 * outcome. Readers see the end after it is stored.
 */
export async function runTurn(job: TurnJob, dependencies: RunDependencies): Promise<void> {
  const ending = await answer(job, dependencies);
  job.early?.stop();
  const { turn, conversation, keyId } = job;
  const { turnId: workId, acceptedAt: at, conversationId } = turn.head;
  const work = { workId, userId: conversation.userId, conversationId, keyId, at };
  const calls = turn.calls.entries(work, turn.parts, dependencies.prices);
  job.trace?.beginStore();
  const outcome = await storeEnding(job, { ending, calls }, dependencies);
  job.trace?.endStore();
  turn.end(outcome);
  const told = job.trace?.end(outcome, calls);
  if (told) dependencies.defer(told);
  dependencies.defer(afterTurn({ head: turn.head, outcome, calls, log: dependencies.log }));
}

async function answer(job: TurnJob, dependencies: RunDependencies): Promise<Ending> {
  try {
    const approved = await answerApprovals(job, dependencies);
    const history = settleCalls(approved ? [...job.history, approved] : job.history);
    const settled = { ...job, history };
    const retrieved = await retrieveContext(settled, dependencies);
    const generated = await generate(settled, retrieved, dependencies);
    const ending = endingOf(job.turn, generated);
    if (!job.parameters) return ending;
    return { ...ending, isValid: await isAsAsked(job.parameters, ending) };
  } catch (error) {
    const failure = failureOf(error);
    // A bug of ours must not leave a turn without an end.
    if (failure.code === 'internal_error')
      dependencies.log.error('a turn failed', { turn_id: job.turn.head.turnId, error });
    return brokenEnding(job.turn, failure);
  }
}

/**
 * Stores the end of a turn and returns the stored outcome. When another instance has ended or
 * deleted the turn meanwhile, the outcome is theirs.
 */
async function storeEnding(
  { turn, conversation, budget }: TurnJob,
  { ending, calls }: { ending: Ending; calls: LedgerEntry[] },
  { db, instanceId, settings, log, follow }: RunDependencies,
): Promise<Outcome> {
  const { head, handled } = turn;
  try {
    const retryForMs = settings.storeGraceMs;
    const budgetOf = budget?.atEnd(conversation.userId, head.acceptedAt);
    const contextTokens = budget?.contextTokens(turn.parts.textLength);
    const end = { head, instanceId, ending, calls, contextTokens, budgetOf, retryForMs };
    let stored = await endTurn(db, { ...end, handled });
    if (stored?.running) stored = await endSteered({ turn }, end, { db, follow });
    if (stored) return { message: stored.message, error: stored.error, limits: stored.limits };
    return { message: endedMessage(head, { ...ending, status: 'cancelled' }) };
  } catch (error) {
    log.error('the end of a turn could not be stored', { turn_id: head.turnId, error });
    const detail = 'The answer could not be stored: the database cannot be reached';
    return {
      message: endedMessage(head, { ...ending, status: 'interrupted', finishReason: null }),
      error: { code: 'not_stored', detail },
    };
  }
}
