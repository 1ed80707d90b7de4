/** The messages that steer a turn, as SQL sees them in its row. */

/** Returns the messages in a column `steering`, one a row, with their numbers from 0 as `key`. */
export function linesOf(column: string): string {
  return `json_each('[' || replace(coalesce(${column}, ''), char(10), ',') || ']') AS line`;
}

/** True for a line that nobody has taken back. */
export const COUNTS = `line.value ->> 'isReleased' IS NULL`;
