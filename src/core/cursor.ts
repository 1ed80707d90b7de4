import { ParleyError } from './errors.ts';
import type { Position } from './message-buffer.ts';

/**
 * A reader's position, sent as the id of an event: it names the turn and how much of its answer the
 * client has by then. Cursors are opaque to clients. They are short, since every token carries one:
 * four characters of the turn's id, the answer's sequence number in its conversation, and the
 * position.
 * `Xk9f2.1a` is offset 46 of the first part and `Xk9f2.1a.3` the same offset of the fourth. `Xk9f2`
 * is the start, and `Xk9f2.-` the end (`-` is not a digit of base 36, in which offsets are
 * written).
 */
export type Cursor = {
  tag: string;
  sequenceNumber: number;
  at: 'start' | 'end' | Position;
};

const FORMAT =
  /^([A-Za-z0-9_-]{4})([0-9a-z]{1,8})(?:\.(?:(-)|([0-9a-z]{1,8})(?:\.([0-9a-z]{1,4}))?))?$/;

const TAG_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * Returns four characters (24 bits) made of the random tail of a turn's UUID, which is enough to
 * notice a cursor of another turn.
 */
export function cursorTag(turnId: string): string {
  const bits = Number.parseInt(turnId.slice(-6), 16) || 0;
  let tag = '';
  for (let shift = 18; shift >= 0; shift -= 6) tag += TAG_ALPHABET[(bits >> shift) & 63];
  return tag;
}

/** Returns the text that every cursor of a turn begins with. */
export function cursorPrefix(turn: { turnId: string; sequenceNumber: number }): string {
  return cursorTag(turn.turnId) + turn.sequenceNumber.toString(36);
}

export function encodePosition(prefix: string, part: number, offset: number): string {
  const place = `${prefix}.${offset.toString(36)}`;
  return part === 0 ? place : `${place}.${part.toString(36)}`;
}

export function encodeEnd(prefix: string): string {
  return `${prefix}.-`;
}

/**
 * Parses a cursor.
 * @throws ParleyError `invalid_cursor` when `text` is not one of ours
 */
export function decodeCursor(text: string): Cursor {
  const match = FORMAT.exec(text);
  if (!match) throw invalidCursor('The cursor is not one that this server gave out');
  const [, tag = '', sequence = '', end, offset, part] = match;
  const sequenceNumber = Number.parseInt(sequence, 36);
  if (end) return { tag, sequenceNumber, at: 'end' };
  if (offset === undefined) return { tag, sequenceNumber, at: 'start' };
  return {
    tag,
    sequenceNumber,
    at: { part: part ? Number.parseInt(part, 36) : 0, offset: Number.parseInt(offset, 36) },
  };
}

/** Returns true when the cursor belongs to this turn. */
export function isCursorOf(
  cursor: Cursor,
  turn: { turnId: string; sequenceNumber: number },
): boolean {
  return cursor.sequenceNumber === turn.sequenceNumber && cursor.tag === cursorTag(turn.turnId);
}

export function invalidCursor(detail: string): ParleyError {
  return new ParleyError({
    code: 'invalid_cursor',
    detail,
    errors: [{ path: 'last_event_id', message: detail }],
  });
}
