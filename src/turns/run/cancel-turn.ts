/** Cancels a turn, wherever it runs. */
import { sleep } from '../../core/retry.ts';
import type { Database } from '../../store/database.ts';
import { requestCancel } from '../../store/turns/request-cancel.ts';
import type { TurnSources } from '../follow/turn-sources.ts';
import type { RunningTurns } from './running-turns.ts';

/** The interval at which another instance's turn is read, in milliseconds. */
const LOOK_UP_EVERY_MS = 250;
/** The longest time that a cancellation waits for another instance, in milliseconds. */
const CANCEL_WAIT_MS = 2_000;

interface CancelOptions {
  db: Database;
  running: RunningTurns;
  sources: TurnSources;
}

/** Cancels a turn and waits for its end, or for a short time when another instance runs it. */
export async function cancelTurn(
  turnId: string,
  { db, running, sources }: CancelOptions,
): Promise<void> {
  const turn = running.byId.get(turnId);
  if (turn) {
    turn.stop('cancelled');
    await turn.ended;
    return;
  }
  await requestCancel(db, turnId);
  const deadline = performance.now() + CANCEL_WAIT_MS;
  while (performance.now() < deadline) {
    const stored = await sources.read(turnId);
    if (!stored?.running) return;
    await sleep(LOOK_UP_EVERY_MS);
  }
}
