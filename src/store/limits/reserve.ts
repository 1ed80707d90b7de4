/**
 * Reserves, for a turn, what it may use: its prompt by an estimate, and the most that its model may
 * answer. The reservation is in the row of the running turn, so it ends with the turn, and with the
 * lease of one whose process has died.
 */
import type { Database, Statement } from '../database.ts';
import { BUDGET_COLUMNS, budgetFrom, budgetOf } from './budget.ts';
import { limitArgs, PARAMETER } from './limits.ts';
import { askedOf, storedIn, type Reserved } from './reserved.ts';
import {
  allowanceOf,
  NEXT_WANTED,
  storedTokens,
  WANTED,
  wantedArgs,
  type ReserveAsk,
} from './wanted.ts';

/** More tokens than anybody may use. */
const MANY = 1_000_000_000_000;

/** The tokens that a running turn had reserved before; null for one that begins. */
const HAD = `?${NEXT_WANTED}`;

function argsOf(ask: ReserveAsk, had: number | null): (string | number | null)[] {
  return [...limitArgs(ask.turnId, ask), ...wantedArgs(ask), had];
}

/**
 * `fit` is what of it fits all limits: the least that any of them has left. A turn that has taken
 * over the parameters of an earlier one wants as long an answer as those allow.
 */
const FITTING = `WITH ${budgetOf(`SELECT user_id FROM turns WHERE id = ${PARAMETER.user}`)},
  wanted AS (SELECT a ->> 2 AS input_price, a ->> 3 AS output_price, prompt, min(coalesce(most, a ->> 0), a ->> 1) AS answer
    FROM (SELECT ${allowanceOf('t.model')} AS a, coalesce(${WANTED.most}, t.parameters ->> 'max_output_tokens') AS most,
        ${WANTED.prompt} + CASE WHEN ${HAD} IS NULL THEN ${storedTokens('c', WANTED)} ELSE 0 END AS prompt
      FROM turns t JOIN conversations c ON c.id = t.conversation_id WHERE t.id = ${PARAMETER.user})),
  room AS (SELECT min(min(coalesce(b.tokens_per_day - b.day_tokens - b.reserved_tokens, ${MANY}),
        coalesce(b.tokens_per_month - b.month_tokens - b.reserved_tokens, ${MANY}))) AS tokens,
      min(b.cost_per_month - b.month_cost - b.reserved_cost) AS cost,
      min((b.requests_per_minute IS NULL OR b.requests_used < b.requests_per_minute)
        AND (b.turns_at_once IS NULL OR b.turns_running < b.turns_at_once)
        AND coalesce(b.streams_open < b.streams, 1)) AS has_place,
      json_group_array(json_array(${BUDGET_COLUMNS})) AS rows
    FROM budget b),
  fit AS (SELECT w.*, room.has_place, room.rows, min(w.answer, ${WANTED.least}) AS fewest,
      CAST(min(w.answer, room.tokens - w.prompt, CASE WHEN room.cost IS NULL THEN ${MANY}
        WHEN w.input_price IS NULL OR room.cost < w.prompt * w.input_price THEN -1
        WHEN coalesce(w.output_price, 0) = 0 THEN ${MANY}
        ELSE (room.cost - w.prompt * w.input_price) / w.output_price END) AS INTEGER) AS granted
    FROM wanted w JOIN room)`;

const NEED = 'json_array(fit.prompt, fit.fewest, fit.input_price, fit.output_price)';

/** The key that is used, where it has limits of its own. */
const LIMITED_KEY = `(SELECT k.key_id FROM key_limits k WHERE k.key_id = ${PARAMETER.key})`;

/** Keeps a column as it was reserved, and reserves what fits only at first. */
const reservedOnce = (column: string, fitting: string) =>
  `${column} = CASE WHEN turns.budget IS NOT NULL THEN turns.${column} WHEN fit.granted >= fit.fewest AND fit.has_place THEN ${fitting} END`;

/**
 * A turn that does not fit gets no reservation. It keeps how the limits stood either way, so that a
 * repeat is told the same.
 */
const RESERVE = `${FITTING}
  UPDATE turns SET key_id = ${PARAMETER.key}, input_price = coalesce(fit.input_price, 0), output_price = coalesce(fit.output_price, 0),
      ${reservedOnce('reserved_input', 'fit.prompt')}, ${reservedOnce('reserved_output', 'fit.granted')},
      ${reservedOnce('reserved_key_id', LIMITED_KEY)},
      budget = coalesce(turns.budget, json_array(${NEED}, json(fit.rows)))
    FROM fit WHERE turns.id = ${PARAMETER.user}
  RETURNING budget, reserved_input, reserved_output`;

const DROP_TURN = `DELETE FROM turns WHERE id = ? AND instance_id = ? AND state = 'running' AND reserved_input IS NULL`;
const DROP_CONVERSATION = `DELETE FROM conversations WHERE id = ? AND last_sequence_number = 0
  AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.conversation_id = conversations.id)`;

/** Of a turn that runs: more than it had. A repeat finds that it has more already. */
const EXTEND = `${FITTING}
  UPDATE turns SET reserved_input = turns.reserved_input + fit.prompt, reserved_output = turns.reserved_output + fit.granted
    FROM fit WHERE turns.id = ${PARAMETER.user} AND turns.state = 'running' AND fit.granted >= fit.fewest
      AND turns.reserved_input + turns.reserved_output = ${HAD}`;

const SELECT_EXTENDED = `${FITTING}
  SELECT json_array(${NEED}, json(fit.rows)) AS budget, t.reserved_input, t.reserved_output
    FROM fit JOIN turns t ON t.id = ${PARAMETER.user}`;

/** The index of the statement of {@link reserve} whose rows tell the result. */
export const RESERVE_RESULT = 0;

/**
 * Returns the statements that follow the insertion of a turn and precede that of its messages. A
 * turn that does not fit is gone again, and nothing is stored of it.
 * @param created the conversation that the turn has begun, if it has
 */
export function reserve(
  ask: ReserveAsk,
  { instanceId, created }: { instanceId: string; created: string | undefined },
): Statement[] {
  return [
    reserveOnly(ask),
    { sql: DROP_TURN, args: [ask.turnId, instanceId] },
    ...(created === undefined ? [] : [dropUnused(created)]),
  ];
}

/** Returns the statement that removes a conversation whose first turn was not inserted. */
export function dropUnused(conversationId: string): Statement {
  return { sql: DROP_CONVERSATION, args: [conversationId] };
}

/** Returns the first of the statements of {@link reserve}: a turn that does not fit stays. */
export function reserveOnly(ask: ReserveAsk): Statement {
  return { sql: RESERVE, args: argsOf(ask, null) };
}

export interface ExtendAsk extends Omit<ReserveAsk, 'from' | 'atHead' | 'most'> {
  most: number;
  /** All tokens that the turn had reserved before. */
  had: number;
}

/**
 * Reserves more for a turn that runs.
 * @returns undefined when the turn is gone
 */
export async function extend(
  db: Database,
  { had, ...ask }: ExtendAsk,
): Promise<Reserved | undefined> {
  const args = argsOf({ ...ask, from: null, atHead: false, streams: undefined }, had);
  const statements = [
    { sql: EXTEND, args },
    { sql: SELECT_EXTENDED, args },
  ];
  const stored = storedIn((await db.batch(statements, 'write-unflushed')).at(-1));
  if (!stored) return undefined;
  const reserved = askedOf(stored.need, budgetFrom(stored.rows));
  const { input, output } = stored.reservation ?? { input: 0, output: 0 };
  return { ...reserved, granted: input + output > had ? { input, output } : undefined };
}
