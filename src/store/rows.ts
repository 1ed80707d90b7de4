/** Database rows → the domain's shapes. The only place that trusts a column. */
import type { Conversation } from '../core/conversation.ts';
import type { Failure } from '../core/errors.ts';
import type { FinishReason, Message, Role, Status } from '../core/message.ts';
import { decodeParts } from '../core/parts.ts';
import type { ResultSet } from './database.ts';

export type Row = ResultSet['rows'][number];

/** The place of message `m` of conversation `c` among its siblings; with one line, nobody has any. */
function siblings(upTo: string): string {
  return `CASE WHEN c.message_count = c.last_sequence_number THEN 1 ELSE (SELECT count(*) FROM messages s
    WHERE s.conversation_id = m.conversation_id AND s.parent_id IS m.parent_id ${upTo}) END`;
}

/** The columns of {@link messageFrom}, of a message `m` in its conversation `c`. */
export const MESSAGE_COLUMNS = `m.id, m.conversation_id, m.turn_id, m.parent_id, m.role, m.status, m.sequence_number, m.parts, m.model,
  m.input_tokens, m.output_tokens, m.tokens_estimated, m.finish_reason, m.is_refused, m.first_token_ms, m.duration_ms, m.created_at,
  ${siblings('')} AS sibling_count, ${siblings('AND s.sequence_number <= m.sequence_number')} AS sibling_index`;

// Enumerations are written by this program alone, through the same types.
export function messageFrom(row: Row): Message {
  return {
    id: text(row['id']),
    conversationId: text(row['conversation_id']),
    turnId: optionalText(row['turn_id']),
    parentId: optionalText(row['parent_id']),
    siblings: { index: number(row['sibling_index']), count: number(row['sibling_count']) },
    role: text(row['role']) as Role,
    status: text(row['status']) as Status,
    sequenceNumber: number(row['sequence_number']),
    parts: decodeParts(text(row['parts'])),
    model: optionalText(row['model']),
    inputTokens: optionalNumber(row['input_tokens']),
    outputTokens: optionalNumber(row['output_tokens']),
    tokensEstimated: number(row['tokens_estimated']) === 1,
    finishReason: optionalText(row['finish_reason']) as FinishReason | null,
    isRefused: row['is_refused'] === 1,
    firstTokenMs: optionalNumber(row['first_token_ms']),
    durationMs: optionalNumber(row['duration_ms']),
    createdAt: number(row['created_at']),
  };
}

export const CONVERSATION_COLUMNS = `c.id, c.user_id, c.title, c.mode, c.model, c.instructions, c.message_count, c.head_message_id, c.created_at, c.updated_at`;

/** The conversation in a row of `CONVERSATION_COLUMNS`. */
export function conversationFrom(row: Row): Conversation {
  return {
    id: text(row['id']),
    userId: text(row['user_id']),
    title: optionalText(row['title']),
    mode: text(row['mode']) === 'rag' ? 'rag' : 'open',
    model: optionalText(row['model']),
    instructions: optionalText(row['instructions']),
    messageCount: number(row['message_count']),
    headMessageId: optionalText(row['head_message_id']),
    createdAt: number(row['created_at']),
    updatedAt: number(row['updated_at']),
  };
}

/** The failure in a nullable JSON column, which this program alone writes. */
export function failureFrom(value: unknown): Failure | undefined {
  return typeof value === 'string' ? (JSON.parse(value) as Failure) : undefined;
}

/** @throws TypeError when a column that holds text, by the schema, does not */
export function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('a text column holds something else');
  return value;
}

/** @throws TypeError when a column that holds a number, by the schema, does not */
export function number(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError('a number column holds something else');
  return value;
}

/** As {@link text}; null where the column is, or is not there. */
export function optionalText(value: unknown): string | null {
  return value === null || value === undefined ? null : text(value);
}

/** As {@link number}; null where the column is, or is not there. */
export function optionalNumber(value: unknown): number | null {
  return value === null || value === undefined ? null : number(value);
}
