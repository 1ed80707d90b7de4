import type { Outcome } from '../../core/message.ts';
import { endedMessage, endTurn, type Ending } from '../../store/turns/checkpoint.ts';
import type { RunDependencies } from './types.ts';
import type { RunningTurn } from './running-turn.ts';

/** Stores the end and answers what is then stored: where somebody else had ended or deleted the turn meanwhile, that is what counts. */
export async function storeEnding(
  live: RunningTurn,
  ending: Ending,
  {
    db,
    instanceId,
    settings,
    report,
  }: Pick<RunDependencies, 'db' | 'instanceId' | 'settings' | 'report'>,
): Promise<Outcome> {
  try {
    const stored = await endTurn(db, {
      head: live.head,
      instanceId,
      ending,
      retryForMs: settings.storeGraceMs,
    });
    if (stored) return { message: stored.message, error: stored.error };
    return { message: endedMessage(live.head, { ...ending, status: 'cancelled' }) };
  } catch (error) {
    report(`the end of turn ${live.head.turnId} could not be stored`, error);
    return {
      message: endedMessage(live.head, { ...ending, status: 'interrupted', finishReason: null }),
      error: {
        code: 'not_stored',
        detail: 'The answer could not be stored: the database cannot be reached',
      },
    };
  }
}
