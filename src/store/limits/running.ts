/** Reads what the running turns of a user have reserved, as SQL. */

/** True for a running turn with a reservation. */
export const RUNNING = `state = 'running' AND reserved_input IS NOT NULL`;

/** The tokens that the stored part of a running turn `r`'s answer has by an estimate. */
const SAID = `coalesce((SELECT (m.text_length + 3) / 4 FROM messages m WHERE m.id = r.assistant_message_id), 0)`;

/**
 * Returns the expressions of sums over running turns `r`: how many are `alive`, and how many
 * `tokens` and what `cost` all of them may still count, in billionths of a dollar.
 * @param isAlive is true for a turn whose process may still run it
 */
export function sumsOfRunning(isAlive: string) {
  const output = `(CASE WHEN ${isAlive} THEN r.reserved_output ELSE ${SAID} END)`;
  return { alive: `coalesce(sum(${isAlive}), 0)`, ...sumsOf(output) };
}

/** Returns the sums of `tokens` and `cost`. @param output the tokens of output of a turn `r` */
function sumsOf(output: string) {
  return {
    tokens: `coalesce(sum(r.reserved_input + ${output}), 0)`,
    cost: `coalesce(sum(r.reserved_input * r.input_price + ${output} * r.output_price), 0)`,
  };
}

/** The sums of all that running turns `r` have reserved, as if the processes of all were alive. */
export const RESERVED = sumsOf('r.reserved_output');

/**
 * Returns a SELECT of one row: the sums over the running turns of a user.
 * @param user the user's id
 * @param now the time, and `leaseMs` how long a turn is alive after its heartbeat: both in ms
 */
export function reservedBy(user: string, { now, leaseMs }: { now: string; leaseMs: string }) {
  const { alive, tokens, cost } = sumsOfRunning(`r.heartbeat_at > ${now} - ${leaseMs}`);
  return `SELECT ${alive} AS alive, ${tokens} AS tokens, ${cost} AS cost
    FROM turns r WHERE r.user_id = ${user} AND ${RUNNING}`;
}
