/** Turns that are answered and not kept. */
import { deleteConversation } from '../store/conversations.ts';
import type { TurnAddress } from '../turns/turn-service.ts';
import type { ActionContext } from './context.ts';

/**
 * Deletes the conversation of a turn when the turn is over. It was made for this turn alone, and a
 * turn that runs has to be stored: its answer could not survive a crash otherwise.
 */
export function forgetAfterwards(
  { dependencies, principal }: ActionContext,
  turn: TurnAddress,
): void {
  const { db, turns, log } = dependencies;
  const afterwards = async () => {
    const run = await turns.wait(turn, 'continue');
    await run.finished();
    await deleteConversation(db, { id: turn.conversationId, principal });
  };
  dependencies.defer(
    afterwards().catch((error: unknown) =>
      log.error('an answer that was not to be kept could not be deleted', { error }),
    ),
  );
}
