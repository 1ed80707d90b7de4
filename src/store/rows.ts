/** Reads rows of handwritten SQL: columns by their names, and the values in them. */
import type { Conversation } from '../core/conversation.ts';
import type { ResultSet } from './database.ts';

export type Row = ResultSet['rows'][number];

export const CONVERSATION_COLUMNS = `c.id, c.user_id, c.title, c.mode, c.model, c.instructions, c.message_count, c.head_message_id, c.client_id, c.created_at, c.updated_at`;

/** Returns the conversation in a row of `CONVERSATION_COLUMNS`. */
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
    clientId: optionalText(row['client_id']),
    createdAt: number(row['created_at']),
    updatedAt: number(row['updated_at']),
  };
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
