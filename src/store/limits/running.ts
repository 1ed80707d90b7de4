/** Reads what the running turns of a user have reserved, as SQL. */

/** True for a running turn with a reservation. */
export const RUNNING = `state = 'running' AND reserved_input IS NOT NULL`;

/** The tokens that the stored part of a running turn `r`'s answer has by an estimate. */
const SAID = `coalesce((SELECT (m.text_length + 3) / 4 FROM messages m WHERE m.id = r.assistant_message_id), 0)`;

/** Returns the expression of the tokens that a running turn `r` may still count for its answer. */
export function maySay(isAlive: string): string {
  return `CASE WHEN ${isAlive} THEN r.reserved_output ELSE ${SAID} END`;
}

/**
 * Returns a SELECT of one row: how many running turns of a user are `alive`, and how many `tokens`
 * and what `cost` all of them have reserved, in billionths of a dollar.
 * @param user the user's id
 * @param now the time, and `leaseMs` how long a turn is alive after its heartbeat: both in ms
 */
export function reservedBy(user: string, { now, leaseMs }: { now: string; leaseMs: string }) {
  const isAlive = `r.heartbeat_at > ${now} - ${leaseMs}`;
  const output = `(${maySay(isAlive)})`;
  return `SELECT coalesce(sum(${isAlive}), 0) AS alive, coalesce(sum(r.reserved_input + ${output}), 0) AS tokens,
      coalesce(sum(r.reserved_input * r.input_price + ${output} * r.output_price), 0) AS cost
    FROM turns r WHERE r.user_id = ${user} AND ${RUNNING}`;
}
