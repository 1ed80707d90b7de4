/** The history of a turn, as the batch that accepts the turn reads it. */
import type { ContextMessage } from '../../core/context.ts';
import type { Part } from '../../core/parts.ts';

/** Steps up the tree when a history is read: a bound for paths on which hardly a message counts. */
const LONGEST_CLIMB = 1_000;

/**
 * True for a message that a model may see. Failed and empty answers and refused questions are left
 * out, and do not count. One that ended with calls is not empty.
 */
const COUNTS = `CASE m.role WHEN 'user' THEN m.is_refused = 0
  ELSE m.status NOT IN ('failed', 'streaming') AND (m.text_length > 0 OR m.finish_reason IS 'tool_calls') END`;

/**
 * True for a conversation `c` that is one line: so many messages as were ever made are on its
 * active path, so nobody has siblings.
 */
export const IS_LINE = 'c.message_count = c.last_sequence_number';

/**
 * The part of a message that {@link historyFrom} reads. Joining short texts is the main cost of a
 * history.
 */
const JOINED = `group_concat((m.sequence_number * 2 + (m.role = 'user')) || ',' || m.parts, '],[')`;

/** The newest messages of a line, by their numbers: that takes half of what climbing does. */
const HISTORY_OF_LINE = `SELECT ${JOINED} FROM (SELECT m.sequence_number, m.role, m.parts FROM messages m
    WHERE m.conversation_id = c.id AND m.sequence_number >= c.last_sequence_number - ${LONGEST_CLIMB} AND ${COUNTS}
    ORDER BY m.sequence_number DESC LIMIT ?) AS m`;

/** The newest messages on the path up from the prompt. The climb itself carries no texts. */
const HISTORY_OF_PATH = `WITH RECURSIVE path (at, parent_id, steps, seen, counts) AS (
    SELECT m.rowid, m.parent_id, 1, 1, 1 FROM messages m WHERE m.id = ?
    UNION ALL
    SELECT m.rowid, m.parent_id, path.steps + 1, path.seen + (${COUNTS}), (${COUNTS})
      FROM path JOIN messages m ON m.id = path.parent_id
      WHERE path.seen < ? AND path.steps < ${LONGEST_CLIMB})
  SELECT ${JOINED} FROM path JOIN messages m ON m.rowid = path.at WHERE path.counts`;

/**
 * The newest messages up to the prompt of a conversation `c`, the prompt included, in one value
 * that {@link historyFrom} reads. They are in any order, since `sqld` knows no ORDER BY within an
 * aggregate.
 */
export const HISTORY = `CASE WHEN ${IS_LINE} THEN (${HISTORY_OF_LINE}) ELSE (${HISTORY_OF_PATH}) END`;

/** The place of an assistant's message that is the first of its conversation. */
const GREETING = 2;

/** Returns the arguments of {@link HISTORY}. */
export function historyArgs(promptId: string, windowMessages: number): (string | number)[] {
  return [windowMessages, promptId, windowMessages];
}

/**
 * Reads the history. Each message is a list: twice its sequence number, plus one for the user's,
 * then its parts. Parts are stored as lines of JSON, which only `encodeParts` writes and which hold
 * no raw line break. With commas in place of the line breaks they are one JSON text.
 */
export function historyFrom(stored: string): ContextMessage[] {
  const messages = JSON.parse(`[[${stored.replaceAll('\n', ',')}]]`) as [number, ...Part[]][];
  return messages
    .toSorted(([a], [b]) => a - b)
    .map(([place, ...parts]) => ({
      role: place % 2 === 1 ? 'user' : 'assistant',
      parts,
      ...(place === GREETING ? { isGreeting: true } : {}),
    }));
}
