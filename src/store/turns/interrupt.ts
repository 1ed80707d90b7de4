/** Turns whose owner has gone: how they are told, and how they are ended. */
import { sleep } from '../../core/retry.ts';
import { NOW, type Database, type Statement } from '../database.ts';

/** Ends the running turn of a conversation whose owner has been silent for longer than its lease, keeping the text of its last checkpoint. */
export function interruptStale(conversationId: string, leaseMs: number): Statement[] {
  return interruptWhere('conversation_id = ? AND', [conversationId], leaseMs);
}

/** An owner that could not reach the database renews its heartbeat within a second of its return, milliseconds. */
const SECOND_LOOK_MS = 1_500;

/** To be awaited between seeing that a lease has run out and ending the turn: it may have been the database that was away, not the owner. */
export function secondLook(): Promise<void> {
  return sleep(SECOND_LOOK_MS);
}

/** Ends such a turn now: for one that stands in the way of a new one. */
export async function interruptLost(
  db: Database,
  conversationId: string,
  leaseMs: number,
): Promise<void> {
  await secondLook();
  await db.batch(interruptStale(conversationId, leaseMs), 'write');
}

/** All turns but some, whose ids are the argument, as a JSON list. */
export const OTHERS = 'id NOT IN (SELECT value FROM json_each(?)) AND';

/** The statements of {@link interruptStale} for every conversation. @param alive a JSON list of turns that are left alone */
export function interruptAllStale(leaseMs: number, alive: string): Statement[] {
  return interruptWhere(OTHERS, [alive], leaseMs);
}

const LOST = JSON.stringify({
  code: 'turn_lost',
  detail: 'The server that was answering stopped; what it had stored is kept',
});

function interruptWhere(which: string, args: string[], leaseMs: number): Statement[] {
  const stale = `${which} state = 'running' AND heartbeat_at < ${NOW} - ?`;
  return [
    {
      sql: `UPDATE messages SET status = 'interrupted'
        WHERE status = 'streaming' AND id IN (SELECT assistant_message_id FROM turns WHERE ${stale})`,
      args: [...args, leaseMs],
    },
    {
      sql: `UPDATE turns SET state = 'ended', ended_at = ${NOW}, error = ? WHERE ${stale}`,
      args: [LOST, ...args, leaseMs],
    },
  ];
}
