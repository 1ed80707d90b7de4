/** Streams a turn that may have to wait until it begins. */
import type { Waiting } from '../accept/turn-entrance.ts';
import type { Asker, TurnAddress, TurnStream } from '../turn-service.ts';
import { QueuedStream, type QueuedStreamOptions } from './queued-stream.ts';

interface WaitingOptions extends Pick<QueuedStreamOptions, 'wire' | 'keepAliveMs'> {
  /** The turn that answers the request when no other does. */
  address: TurnAddress;
  asker: Asker | undefined;
}

/**
 * Streams a turn. If it has to wait, the stream starts at once and holds comments until the turn
 * begins.
 * @param enter begins or joins the turn, and tells when it has to wait
 */
export async function streamWhileWaiting(
  enter: (wait: Waiting) => Promise<TurnStream>,
  { address, asker, ...options }: WaitingOptions,
): Promise<TurnStream> {
  const gone = new AbortController();
  const onLeave = () => gone.abort();
  if (asker?.signal.aborted) onLeave();
  asker?.signal.addEventListener('abort', onLeave, { once: true });
  const waits = Promise.withResolvers<{ waitsFor: string }>();
  const onWait = (waitsFor = address.turnId) => waits.resolve({ waitsFor });
  const accepted = enter({ signal: gone.signal, onWait });
  const entered = await Promise.race([accepted, waits.promise]);
  if (!('waitsFor' in entered)) return entered;
  return new QueuedStream({
    turnId: entered.waitsFor,
    conversationId: address.conversationId,
    ...options,
    accepted,
    onLeave,
  });
}
