import { invalidCursor, isCursorOf, type Cursor } from '../../core/cursor.ts';
import type { StartAt } from './turn-reader.ts';
import type { TurnSource } from './turn-source.ts';

/**
 * Returns the position at which a reader with this cursor starts.
 * @throws ParleyError `invalid_cursor` when it belongs to another turn, or lies beyond the end of
 *   one that ended properly
 */
export function startAtOf(
  source: TurnSource,
  cursor: Cursor | undefined,
): StartAt | 'nothing left' {
  if (!cursor) return 'start';
  const { turnId, assistantMessage } = source.head;
  if (!isCursorOf(cursor, { turnId, sequenceNumber: assistantMessage.sequenceNumber })) {
    throw invalidCursor('The cursor belongs to another turn');
  }
  const { at } = cursor;
  if (at === 'end') return source.outcome ? 'nothing left' : 'end';
  if (at === 'start' || source.parts.has(at)) return at;
  // The cursor may be ahead of the stored text: the owner has sent more than its last checkpoint
  // holds, or it died and that text is lost.
  if (!source.outcome) return at;
  if (source.outcome.error?.code === 'turn_lost') return 'end';
  throw invalidCursor('The cursor is beyond the end of this turn');
}
