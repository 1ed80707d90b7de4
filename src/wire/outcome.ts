/** The wire of whoever waits for the whole: nothing until the end, then how the turn ended, as JSON between our own parts. */
import type { Outcome, TurnHead } from '../chat/message.ts';
import type { Encoder } from './encoder.ts';

export interface FinishedTurn extends Outcome {
  head: TurnHead;
}

export function outcomeEncoder(): Encoder {
  const nothing = () => '';
  return {
    announce: nothing,
    started: nothing,
    text: nothing,
    reasoning: nothing,
    part: nothing,
    ended: (head, outcome) => JSON.stringify({ head, ...outcome } satisfies FinishedTurn),
    keepAlive: nothing,
  };
}

/**
 * Waits for the end of a turn that is read by {@link outcomeEncoder}.
 * @param signal aborted when whoever waits has gone; the reader then leaves the turn
 */
export async function readOutcome(
  body: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): Promise<FinishedTurn> {
  const reader = body.getReader();
  const leave = () => void reader.cancel().catch(() => undefined);
  if (signal?.aborted) leave();
  signal?.addEventListener('abort', leave, { once: true });
  try {
    const decoder = new TextDecoder();
    let text = '';
    for (let read = await reader.read(); !read.done; read = await reader.read())
      text += decoder.decode(read.value, { stream: true });
    // Written by `outcomeEncoder` alone.
    return JSON.parse(text) as FinishedTurn;
  } finally {
    signal?.removeEventListener('abort', leave);
  }
}
