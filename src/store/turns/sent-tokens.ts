/** Estimates, as SQL, how much the stored messages before an answer are for a model. */

/** The number of messages that a prompt is taken to hold, besides the new one. */
const MESSAGES_SENT = 20;

/**
 * Returns a SELECT of the tokens of the newest messages on the path up from one: the user's as they
 * were counted when they came, and those of answers by their length.
 * @param last the expression of the id of that message; none where it is null
 * @param unitsAToken UTF-16 units of an answer that are taken for a token
 */
export function sentTokens(last: string, unitsAToken: number): string {
  return `WITH RECURSIVE path (id, steps) AS (
    SELECT ${last}, 1
    UNION ALL SELECT m.parent_id, path.steps + 1 FROM path JOIN messages m ON m.id = path.id WHERE path.steps < ${MESSAGES_SENT})
  SELECT coalesce(sum(CASE m.role WHEN 'user' THEN coalesce(m.output_tokens, 0) ELSE m.text_length / ${unitsAToken} END), 0)
    FROM path JOIN messages m ON m.id = path.id`;
}
