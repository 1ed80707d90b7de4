/** Turns that are answered and not kept. */
import type { FinishedTurn } from '../core/message.ts';
import { deleteConversation } from '../store/conversations.ts';
import type { TurnAddress } from '../turns/turn-service.ts';
import { deleteMessage } from './change-tree.ts';
import type { ActionContext } from './context.ts';

/**
 * Deletes the conversation of a turn when the turn is over. It was made for this turn alone, and a
 * turn that runs has to be stored: its answer could not survive a crash otherwise.
 */
export function forgetAfterwards(context: ActionContext, turn: TurnAddress): void {
  const { dependencies, principal } = context;
  forget(context, turn, async () => {
    await deleteConversation(dependencies.db, { id: turn.conversationId, principal });
  });
}

/** Deletes the question and the answer of a turn when it is over, and nothing before them. */
export function forgetBranchAfterwards(context: ActionContext, turn: TurnAddress): void {
  // Its client may have left by then.
  const patient = { ...context, asker: new AbortController() };
  forget(context, turn, ({ head }) =>
    deleteMessage(patient, { id: head.userMessage.id, onBusy: 'queue' }),
  );
}

function forget(
  { dependencies }: ActionContext,
  turn: TurnAddress,
  remove: (turn: FinishedTurn) => Promise<void>,
): void {
  const { turns, log } = dependencies;
  const afterwards = async () => {
    const run = await turns.wait(turn, 'continue');
    await remove(await run.finished());
  };
  dependencies.defer(
    afterwards().catch((error: unknown) =>
      log.error('an answer that was not to be kept could not be deleted', { error }),
    ),
  );
}
