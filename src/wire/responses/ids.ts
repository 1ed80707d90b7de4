/**
 * The ids of OpenAI's Responses: a prefix that says of what, then our own id. An item that is a
 * part of a message has the number of the part behind it.
 */

export const responseId = (turnId: string): string => `resp_${turnId}`;
export const conversationId = (id: string): string => `conv_${id}`;

/** The kinds of items, by the prefix of their ids. */
export type ItemPrefix = 'msg' | 'rs' | 'fc' | 'fco' | 'mcpr';

/**
 * Returns the id of an item.
 * @param part the number of the part in its message; undefined for the first text of an answer and
 *   for a user's message
 */
export function itemId(prefix: ItemPrefix, messageId: string, part?: number): string {
  return `${prefix}_${messageId}${part === undefined ? '' : `_${part}`}`;
}

const ITEM = /^(?:msg|rs|fc|fco|mcpr)_([^_]+)(?:_(\d{1,6}))?$/;

/** Reads the id of an item; undefined for one that is not of this form. */
export function parseItemId(id: string): { messageId: string } | undefined {
  const messageId = ITEM.exec(id)?.[1];
  return messageId === undefined ? undefined : { messageId };
}

/** Returns our own id in a response's id; clients may also send ours alone. */
export function turnIdIn(id: string): string {
  return id.startsWith('resp_') ? id.slice('resp_'.length) : id;
}

/** Returns our own id in a conversation's id; clients may also send ours alone. */
export function conversationIdIn(id: string): string {
  return id.startsWith('conv_') ? id.slice('conv_'.length) : id;
}
