/** The life of an accepted turn in the database: checkpoints, its end, and what others may read of it or ask of it. */
import type { Failure } from '../chat/errors.ts';
import type { Message, StoredTurn, TurnHead } from '../chat/message.ts';
import { contentOf, decodeParts, encodeParts, type Part } from '../chat/parts.ts';
import { KEY_LIFETIME_MS } from './idempotency.ts';
import { interruptAllStale, interruptStale, OTHERS, secondLook } from './interrupt.ts';
import { NOW, type Database, type ResultSet, type Statement } from './database.ts';
import {
  failureFrom,
  MESSAGE_COLUMNS,
  messageFrom,
  number,
  optionalText,
  text,
  type Row,
} from './rows.ts';

/** What a running answer has gained since it was last stored. */
export interface Checkpoint {
  turnId: string;
  messageId: string;
  /** Appended to what is stored, or, with `replace`, instead of it. */
  parts: Part[];
  replace: boolean;
  textLength: number;
}

export interface TurnState {
  turnId: string;
  cancelRequested: boolean;
}

const OWNED = `EXISTS (SELECT 1 FROM turns t WHERE t.id = messages.turn_id AND t.state = 'running' AND t.owner_id = ?)`;

/**
 * One request for all turns of an instance: stores what grew, renews the heartbeats, and tells which of `turnIds` are still this
 * instance's to write (one that is missing was deleted or taken over) and which somebody wants cancelled.
 */
export async function pulse(
  db: Database,
  {
    ownerId,
    turnIds,
    checkpoints,
  }: { ownerId: string; turnIds: string[]; checkpoints: Checkpoint[] },
): Promise<TurnState[]> {
  const ids = JSON.stringify(turnIds);
  const owned = `owner_id = ? AND state = 'running' AND id IN (SELECT value FROM json_each(?))`;
  const results = await db.batch(
    [
      ...appendCheckpoints(ownerId, checkpoints),
      { sql: `UPDATE turns SET heartbeat_at = ${NOW} WHERE ${owned}`, args: [ownerId, ids] },
      { sql: `SELECT id, cancel_requested_at FROM turns WHERE ${owned}`, args: [ownerId, ids] },
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

function appendCheckpoints(ownerId: string, checkpoints: Checkpoint[]): Statement[] {
  if (checkpoints.length === 0) return [];
  const json = checkpoints.map(({ messageId, parts, replace, textLength }) => [
    messageId,
    encodeParts(parts),
    replace ? 1 : 0,
    textLength,
  ]);
  return [
    {
      sql: `UPDATE messages SET text_length = new.value ->> 3,
          parts = CASE WHEN new.value ->> 2 OR parts = '' THEN new.value ->> 1 ELSE parts || char(10) || (new.value ->> 1) END
        FROM json_each(?) AS new
        WHERE messages.id = new.value ->> 0 AND messages.status = 'streaming' AND ${OWNED}`,
      args: [JSON.stringify(json), ownerId],
    },
  ];
}

/** An answer's last state, as its owner decided it. */
export type Ending = Pick<
  Message,
  | 'status'
  | 'parts'
  | 'inputTokens'
  | 'outputTokens'
  | 'tokensEstimated'
  | 'finishReason'
  | 'firstTokenMs'
  | 'durationMs'
  | 'model'
> & { error?: Failure };

/**
 * Stores the end of a turn; safe to repeat. Answers what is stored now: the ending, or, where the turn had been taken away, whatever took its place;
 * undefined when it was deleted.
 */
export async function endTurn(
  db: Database,
  {
    head,
    ownerId,
    ending,
    patience,
  }: { head: TurnHead; ownerId: string; ending: Ending; patience: number },
): Promise<StoredTurn | undefined> {
  const results = await db.batch(
    [updateAnswer(head, ownerId, ending), closeTurn(head, ownerId, ending)],
    // A power cut may cost an answer its last second anyway; this adds 20 ms to it.
    'write-unflushed',
    patience,
  );
  if (results[1]?.rowsAffected === 1)
    return { head, running: false, message: endedMessage(head, ending), error: ending.error };
  // Ended, taken over or deleted before: by somebody else, or by this very batch when its answer was lost.
  const [stored] = await db.batch([selectTurn(head.turnId, null)], 'read', patience);
  return turnFrom(stored?.rows[0]);
}

/** The answer as an ending leaves it. */
export function endedMessage(head: TurnHead, { error: _, ...ending }: Ending): Message {
  return {
    ...ending,
    id: head.assistantMessage.id,
    conversationId: head.conversationId,
    turnId: head.turnId,
    role: 'assistant',
    sequenceNumber: head.assistantMessage.sequenceNumber,
    createdAt: head.acceptedAt,
  };
}

function updateAnswer(head: TurnHead, ownerId: string, ending: Ending): Statement {
  return {
    sql: `UPDATE messages SET status = ?, parts = ?, text_length = ?, model = ?, input_tokens = ?, output_tokens = ?, tokens_estimated = ?,
        finish_reason = ?, first_token_ms = ?, duration_ms = ? WHERE id = ? AND ${OWNED}`,
    args: [
      ending.status,
      encodeParts(ending.parts),
      contentOf(ending.parts).length,
      ending.model,
      ending.inputTokens,
      ending.outputTokens,
      ending.tokensEstimated ? 1 : 0,
      ending.finishReason,
      ending.firstTokenMs,
      ending.durationMs,
      head.assistantMessage.id,
      ownerId,
    ],
  };
}

function closeTurn(head: TurnHead, ownerId: string, { error }: Ending): Statement {
  return {
    sql: `UPDATE turns SET state = 'ended', ended_at = ${NOW}, error = ?, model = ?
      WHERE id = ? AND state = 'running' AND owner_id = ?`,
    args: [error ? JSON.stringify(error) : null, head.model, head.turnId, ownerId],
  };
}

function selectTurn(turnId: string, userId: string | null): Statement {
  return {
    sql: `SELECT ${MESSAGE_COLUMNS}, t.state, t.error, t.model AS turn_model, t.created, c.title, c.created_at AS conversation_created_at,
        t.user_message_id, asked.parts AS user_parts
      FROM turns t JOIN conversations c ON c.id = t.conversation_id
      JOIN messages m ON m.id = t.assistant_message_id JOIN messages asked ON asked.id = t.user_message_id
      WHERE t.id = ? AND (? IS NULL OR c.user_id = ?)`,
    args: [turnId, userId, userId],
  };
}

function turnFrom(row: Row | undefined): StoredTurn | undefined {
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
