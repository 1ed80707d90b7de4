import type { Outcome } from '../chat/message.ts';
import { endedMessage, endTurn, type Ending } from '../store/own-turns.ts';
import type { EngineServices } from './work.ts';
import type { LiveTurn } from './live-turn.ts';

/** Stores the end and answers what is then stored: where somebody else had ended or deleted the turn meanwhile, that is what counts. */
export async function storeEnding(
  live: LiveTurn,
  ending: Ending,
  { db, ownerId, settings, report }: Pick<EngineServices, 'db' | 'ownerId' | 'settings' | 'report'>,
): Promise<Outcome> {
  try {
    const stored = await endTurn(db, {
      head: live.head,
      ownerId,
      ending,
      patience: settings.storeGraceMs,
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
