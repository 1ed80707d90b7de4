/** Waits until a message that steers a turn is answered: by that turn, or by one that follows. */
import { sleep } from '../../core/retry.ts';
import type { Database } from '../../store/database.ts';
import { findSteering } from '../../store/turns/steering.ts';
import type { RunningTurn } from '../run/running-turn.ts';

/** The interval at which a turn that runs elsewhere is read, in milliseconds. */
const LOOK_UP_EVERY_MS = 250;

export interface WaitingMessage {
  messageId: string;
  /** The turn that it steers. */
  turnId: string;
}

/**
 * Waits for the turn that answers a message.
 * @param running the turns of this process
 * @param signal aborted when nobody waits any more
 * @returns the id of that turn; undefined when the message has been deleted
 */
export async function turnThatAnswers(
  { messageId, turnId: first }: WaitingMessage,
  {
    db,
    running,
    leaseMs,
    signal,
  }: {
    db: Database;
    running: ReadonlyMap<string, RunningTurn>;
    leaseMs: number;
    signal: AbortSignal | undefined;
  },
): Promise<string | undefined> {
  for (let turnId = first; ;) {
    signal?.throwIfAborted();
    const turn = running.get(turnId);
    if (turn) await joinedOrEnded(turn, messageId, signal);
    if (turn?.joined.has(messageId)) return turnId;
    const place = await findSteering(db, { turnId, messageId, leaseMs });
    if (place.kind === 'answered') return place.turnId;
    if (place.kind === 'gone') return undefined;
    if (!running.has(place.turnId) || turn?.outcome) await sleep(LOOK_UP_EVERY_MS);
    turnId = place.turnId;
  }
}

async function joinedOrEnded(
  turn: RunningTurn,
  messageId: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  while (!turn.outcome && !turn.joined.has(messageId)) {
    await new Promise<void>((resolve) => turn.onChange(resolve));
    signal?.throwIfAborted();
  }
}
