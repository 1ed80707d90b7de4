/** Waits for the end of a turn. */
import type { FinishedTurn, Outcome } from '../../core/message.ts';
import type { TurnRun } from '../turn-service.ts';
import type { TurnSource } from './turn-source.ts';

/**
 * Returns a handle to wait for the end of a turn.
 * @param onLeave called when the waiting client leaves before the end
 */
export function runOf(source: TurnSource, onLeave: () => void): TurnRun {
  const { turnId, conversationId, assistantMessage } = source.head;
  return {
    limits: source.limits,
    turnId,
    conversationId,
    answerId: assistantMessage.id,
    finished: (signal) => waitForEnd(source, onLeave, signal),
  };
}

async function waitForEnd(
  source: TurnSource,
  onLeave: () => void,
  signal?: AbortSignal,
): Promise<FinishedTurn> {
  const { promise: left, reject } = Promise.withResolvers<never>();
  const leave = () => {
    onLeave();
    reject(new Error('the client that waited for the turn has gone'));
  };
  if (signal?.aborted) leave();
  signal?.addEventListener('abort', leave, { once: true });
  try {
    const outcome = await Promise.race([ended(source), left]);
    return { head: source.head, ...outcome };
  } finally {
    signal?.removeEventListener('abort', leave);
  }
}

async function ended(source: TurnSource): Promise<Outcome> {
  for (;;) {
    if (source.outcome) return source.outcome;
    await (source.ended ?? new Promise<void>((resolve) => source.onChange(resolve)));
  }
}
