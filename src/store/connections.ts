/** Open WebSockets of processes that share a database. */
import { NOW, type Database } from './database.ts';
import { number } from './rows.ts';

/** Counts a socket from now on, until its lease runs out or it is removed; safe to repeat. */
export async function addConnection(
  db: Database,
  { id, userId, instanceId }: { id: string; userId: string; instanceId: string },
): Promise<void> {
  await db.batch(
    [
      {
        sql: `INSERT INTO connections (id, user_id, instance_id, heartbeat_at) VALUES (?, ?, ?, ${NOW}) ON CONFLICT DO NOTHING`,
        args: [id, userId, instanceId],
      },
    ],
    'write',
  );
}

/** Counts a socket no more; nothing happens when it was not counted. */
export async function removeConnection(db: Database, id: string): Promise<void> {
  await db.batch([{ sql: 'DELETE FROM connections WHERE id = ?', args: [id] }], 'write');
}

/** Renews the connections of an instance and removes those whose instance has been silent for longer than `leaseMs`. */
export async function renewConnections(
  db: Database,
  instanceId: string,
  leaseMs: number,
): Promise<void> {
  await db.batch(
    [
      {
        sql: `UPDATE connections SET heartbeat_at = ${NOW} WHERE instance_id = ?`,
        args: [instanceId],
      },
      { sql: `DELETE FROM connections WHERE heartbeat_at < ${NOW} - ?`, args: [leaseMs] },
    ],
    'write',
  );
}

/** Counts none of an instance's sockets any more. */
export async function removeInstance(db: Database, instanceId: string): Promise<void> {
  await db.batch(
    [{ sql: 'DELETE FROM connections WHERE instance_id = ?', args: [instanceId] }],
    'write',
  );
}

/** How many sockets a user has open, over all instances heard of within `leaseMs`. */
export async function countConnections(
  db: Database,
  userId: string,
  leaseMs: number,
): Promise<number> {
  const [result] = await db.batch(
    [
      {
        sql: `SELECT count(*) AS connections FROM connections WHERE user_id = ? AND heartbeat_at >= ${NOW} - ?`,
        args: [userId, leaseMs],
      },
    ],
    'read',
  );
  return number(result?.rows[0]?.['connections']);
}
