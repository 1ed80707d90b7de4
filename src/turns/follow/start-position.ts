import { invalidCursor, isCursorOf, type Cursor } from '../../core/cursor.ts';
import type { StartAt } from './turn-reader.ts';
import type { TurnSource } from './turn-source.ts';

/**
 * Where a cursor puts a reader of this source.
 * @throws ParleyError `invalid_cursor` when it belongs to another turn, or lies beyond the end of one that ended properly
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
  // Ahead of what is stored: the owner is a checkpoint further, or it died and what came since is gone.
  if (!source.outcome) return at;
  if (source.outcome.error?.code === 'turn_lost') return 'end';
  throw invalidCursor('The cursor is beyond the end of this turn');
}
