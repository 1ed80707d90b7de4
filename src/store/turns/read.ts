/** A turn as everybody may see it in the database, and what others than its owner may ask of it. */
import type { StoredTurn } from '../../core/message.ts';
import { contentOf, decodeParts } from '../../core/parts.ts';
import { KEY_LIFETIME_MS } from '../idempotency-keys.ts';
import { interruptAllStale, interruptStale, OTHERS, secondLook } from './interrupt.ts';
import { NOW, type Database, type ResultSet, type Statement } from '../database.ts';
import {
  failureFrom,
  MESSAGE_COLUMNS,
  messageFrom,
  number,
  optionalText,
  text,
  type Row,
} from '../rows.ts';

/** One row, for {@link turnFrom}; none when there is no such turn for this user. */
export function selectTurn(turnId: string, userId: string | null): Statement {
  return {
    sql: `SELECT ${MESSAGE_COLUMNS}, t.state, t.error, t.model AS turn_model, t.created, c.title, c.created_at AS conversation_created_at,
        t.user_message_id, asked.parts AS user_parts, t.heartbeat_at > t.started_at AS is_tended
      FROM turns t JOIN conversations c ON c.id = t.conversation_id
      JOIN messages m ON m.id = t.assistant_message_id JOIN messages asked ON asked.id = t.user_message_id
      WHERE t.id = ? AND (? IS NULL OR c.user_id = ?)`,
    args: [turnId, userId, userId],
  };
}

export function turnFrom(row: Row | undefined): StoredTurn | undefined {
  if (!row) return undefined;
  const message = messageFrom(row);
  return {
    head: {
      turnId: message.turnId ?? '',
      conversationId: message.conversationId,
      created: row['created'] === 1,
      title: optionalText(row['title']),
      model: text(row['turn_model']),
      userMessage: {
        id: text(row['user_message_id']),
        sequenceNumber: message.sequenceNumber - 1,
        text: contentOf(decodeParts(text(row['user_parts']))),
      },
      assistantMessage: { id: message.id, sequenceNumber: message.sequenceNumber },
      acceptedAt: message.createdAt,
      conversationCreatedAt: number(row['conversation_created_at']),
    },
    running: row['state'] === 'running',
    hasHeartbeat: row['is_tended'] === 1,
    message,
    error: failureFrom(row['error']),
  };
}

/** A turn as it is stored, ended first if its owner has gone; undefined when there is none for this user. */
export async function readTurn(
  db: Database,
  { turnId, userId, leaseMs }: { turnId: string; userId: string | null; leaseMs: number },
): Promise<StoredTurn | undefined> {
  const [turn] = await readRepaired(db, {
    select: [selectTurn(turnId, userId)],
    stale: { where: 'id = ?', args: [turnId] },
    leaseMs,
  });
  return turnFrom(turn?.rows[0]);
}

/**
 * Reads in one request; when a turn that matches `stale` has lost its owner, ends it and reads again.
 * @param select the statements whose results are wanted, in their order
 */
export async function readRepaired(
  db: Database,
  {
    select,
    stale,
    leaseMs,
  }: { select: Statement[]; stale: { where: string; args: string[] }; leaseMs: number },
): Promise<ResultSet[]> {
  const check = {
    sql: `SELECT conversation_id FROM turns WHERE ${stale.where} AND state = 'running' AND heartbeat_at < ${NOW} - ?`,
    args: [...stale.args, leaseMs],
  };
  const results = await db.batch([check, ...select], 'read');
  const lost = results[0]?.rows[0];
  if (!lost) return results.slice(1);
  await secondLook();
  const repair = interruptStale(text(lost['conversation_id']), leaseMs);
  return (await db.batch([...repair, ...select], 'write')).slice(repair.length);
}

/** The turn whose answer has this sequence number in a conversation. */
export async function findTurnId(
  db: Database,
  {
    conversationId,
    sequenceNumber,
    userId,
  }: { conversationId: string; sequenceNumber: number; userId: string | null },
): Promise<string | undefined> {
  const [result] = await db.batch(
    [
      {
        sql: `SELECT t.id FROM turns t JOIN conversations c ON c.id = t.conversation_id
          WHERE t.conversation_id = ? AND t.sequence_number = ? AND (? IS NULL OR c.user_id = ?)`,
        args: [conversationId, sequenceNumber, userId, userId],
      },
    ],
    'read',
  );
  return optionalText(result?.rows[0]?.['id']) ?? undefined;
}

/** Asks a turn's owner, wherever it is, to cancel it: it looks about once a second. */
export async function requestCancel(db: Database, turnId: string): Promise<void> {
  await db.batch(
    [
      {
        sql: `UPDATE turns SET cancel_requested_at = ${NOW} WHERE id = ? AND state = 'running'`,
        args: [turnId],
      },
    ],
    'write',
  );
}

/**
 * Ends what dead owners left behind and forgets old idempotency keys.
 * @param running the turns of whoever sweeps: their owner is not dead, however long the database could not hear of them
 */
export async function sweep(
  db: Database,
  leaseMs: number,
  running: readonly string[] = [],
): Promise<void> {
  const alive = JSON.stringify(running);
  const stale = {
    sql: `SELECT 1 FROM turns WHERE ${OTHERS} state = 'running' AND heartbeat_at < ${NOW} - ? LIMIT 1`,
    args: [alive, leaseMs],
  };
  const [found] = await db.batch([stale], 'read');
  if (found?.rows[0]) await secondLook();
  await db.batch(
    [
      ...interruptAllStale(leaseMs, alive),
      {
        sql: `DELETE FROM idempotency_keys WHERE created_at < ${NOW} - ?`,
        args: [KEY_LIFETIME_MS],
      },
    ],
    'write',
  );
}
