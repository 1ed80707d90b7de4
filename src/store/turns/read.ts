/** A turn as everybody may see it in the database, and what others than its owner may ask of it. */
import type { PromptMessage, StoredTurn } from '../../core/message.ts';
import { contentOf, decodeParts } from '../../core/parts.ts';
import type { Principal } from '../../core/principal.ts';
import { KEY_LIFETIME_MS, type Key } from '../idempotency-keys.ts';
import { isOwned, ownerArgs } from '../ownership.ts';
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

/** Where a turn is. */
export interface TurnAddress {
  turnId: string;
  conversationId: string;
}

/** Selects one row, for {@link turnFrom}; none when there is no such turn for this caller. */
export function selectTurn(turnId: string, principal: Principal): Statement {
  return {
    sql: `SELECT ${MESSAGE_COLUMNS}, t.state, t.error, t.model AS turn_model, t.created, c.title, c.created_at AS conversation_created_at,
        prompt.id AS prompt_id, prompt.parts AS prompt_parts, prompt.sequence_number AS prompt_sequence_number, prompt.parent_id AS prompt_parent_id,
        t.heartbeat_at > t.started_at AS has_heartbeat, ${promptSiblings('')} AS prompt_siblings,
        ${promptSiblings('AND s.sequence_number <= prompt.sequence_number')} AS prompt_index
      FROM turns t JOIN conversations c ON c.id = t.conversation_id
      JOIN messages m ON m.id = t.assistant_message_id JOIN messages prompt ON prompt.id = t.prompt_message_id
      WHERE t.id = ? AND ${isOwned('c.user_id')}`,
    args: [turnId, ...ownerArgs(principal)],
  };
}

function promptSiblings(upTo: string): string {
  return `CASE WHEN c.message_count = c.last_sequence_number THEN 1 ELSE (SELECT count(*) FROM messages s
    WHERE s.conversation_id = c.id AND s.parent_id IS prompt.parent_id ${upTo}) END`;
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
      userMessage: promptFrom(row),
      assistantMessage: {
        id: message.id,
        sequenceNumber: message.sequenceNumber,
        siblings: message.siblings,
      },
      acceptedAt: message.createdAt,
      conversationCreatedAt: number(row['conversation_created_at']),
    },
    running: row['state'] === 'running',
    hasHeartbeat: row['has_heartbeat'] === 1,
    message,
    error: failureFrom(row['error']),
  };
}

function promptFrom(row: Row): PromptMessage {
  return {
    id: text(row['prompt_id']),
    sequenceNumber: number(row['prompt_sequence_number']),
    parentId: optionalText(row['prompt_parent_id']),
    siblings: { index: number(row['prompt_index']), count: number(row['prompt_siblings']) },
    text: contentOf(decodeParts(text(row['prompt_parts']))),
  };
}

/** A turn as it is stored, ended first if its owner has gone; undefined when there is none for this user. */
export async function readTurn(
  db: Database,
  { turnId, principal, leaseMs }: { turnId: string; principal: Principal; leaseMs: number },
): Promise<StoredTurn | undefined> {
  const [turn] = await readRepaired(db, {
    select: [selectTurn(turnId, principal)],
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
    principal,
  }: { conversationId: string; sequenceNumber: number; principal: Principal },
): Promise<string | undefined> {
  const [result] = await db.batch(
    [
      {
        sql: `SELECT t.id FROM turns t JOIN conversations c ON c.id = t.conversation_id
          WHERE t.conversation_id = ? AND t.sequence_number = ? AND ${isOwned('c.user_id')}`,
        args: [conversationId, sequenceNumber, ...ownerArgs(principal)],
      },
    ],
    'read',
  );
  return optionalText(result?.rows[0]?.['id']) ?? undefined;
}

/** Finds the turn that a key's first request made; undefined where it made none, or was another request. */
export async function findTurnByKey(
  db: Database,
  { scope, key, fingerprint }: Key,
): Promise<TurnAddress | undefined> {
  const sql = `SELECT t.id, t.conversation_id FROM idempotency_keys k JOIN turns t ON t.id = k.resource_id
    WHERE k.scope = ? AND k.key = ? AND k.fingerprint = ? AND k.created_at > ${NOW} - ${KEY_LIFETIME_MS}`;
  const [found] = await db.batch([{ sql, args: [scope, key, fingerprint] }], 'read');
  const row = found?.rows[0];
  return row && { turnId: text(row['id']), conversationId: text(row['conversation_id']) };
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
