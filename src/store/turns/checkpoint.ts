/**
 * The writes of a turn's owner while it runs: checkpoints and heartbeats. No write of anybody else
 * succeeds, nor any after the turn was taken away.
 */
import { encodeParts, type Part } from '../../core/parts.ts';
import { NOW, type Database, type Statement } from '../database.ts';
import { text } from '../rows.ts';

/** The growth of a running answer since it was last stored. */
export interface Checkpoint {
  turnId: string;
  messageId: string;
  /** Counts the checkpoints of a turn, from one. */
  count: number;
  /** Appended to what is stored, or, with `replace`, instead of it. */
  parts: Part[];
  replace: boolean;
  textLength: number;
}

export interface TurnState {
  turnId: string;
  cancelRequested: boolean;
}

/** The turn of a row of `messages` while an instance owns it; takes the id of that instance. */
export const RUNNING_HERE = `SELECT 1 FROM turns t WHERE t.id = messages.turn_id AND t.state = 'running' AND t.instance_id = ?`;
const OWNED = `EXISTS (${RUNNING_HERE})`;

/**
 * Stores the growth of all turns of an instance and renews their heartbeats, in one request.
 * @returns those of `turnIds` that this instance may still write, and whether somebody wants them
 *   cancelled; one that is missing was deleted or taken over
 */
export async function saveCheckpoints(
  db: Database,
  {
    instanceId,
    turnIds,
    checkpoints,
  }: { instanceId: string; turnIds: string[]; checkpoints: Checkpoint[] },
): Promise<TurnState[]> {
  const ids = JSON.stringify(turnIds);
  const owned = `instance_id = ? AND state = 'running' AND id IN (SELECT value FROM json_each(?))`;
  const results = await db.batch(
    [
      ...appendCheckpoints(instanceId, checkpoints),
      { sql: `UPDATE turns SET heartbeat_at = ${NOW} WHERE ${owned}`, args: [instanceId, ids] },
      { sql: `SELECT id, cancel_requested_at FROM turns WHERE ${owned}`, args: [instanceId, ids] },
    ],
    'write-unflushed',
    0,
  );
  const rows = results.at(-1)?.rows ?? [];
  return rows.map((row) => ({
    turnId: text(row['id']),
    cancelRequested: row['cancel_requested_at'] !== null,
  }));
}

/**
 * An appended checkpoint must follow the one before it; one that replaces the whole may follow any
 * older one.
 */
function appendCheckpoints(instanceId: string, checkpoints: Checkpoint[]): Statement[] {
  if (checkpoints.length === 0) return [];
  const json = checkpoints.map(({ messageId, parts, replace, textLength, count }) => [
    messageId,
    encodeParts(parts),
    replace ? 1 : 0,
    textLength,
    count,
  ]);
  return [
    {
      sql: `UPDATE messages SET text_length = new.value ->> 3, checkpoint = new.value ->> 4,
          parts = CASE WHEN new.value ->> 2 OR parts = '' THEN new.value ->> 1 ELSE parts || char(10) || (new.value ->> 1) END
        FROM json_each(?) AS new
        WHERE messages.id = new.value ->> 0 AND messages.status = 'streaming' AND ${OWNED}
          AND CASE WHEN new.value ->> 2 THEN checkpoint < new.value ->> 4 ELSE checkpoint = (new.value ->> 4) - 1 END`,
      args: [JSON.stringify(json), instanceId],
    },
  ];
}
