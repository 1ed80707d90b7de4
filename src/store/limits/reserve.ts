/**
 * Reserves, for a turn, what it may use: its prompt by an estimate, and the most that its model may
 * answer. The reservation is in the row of the running turn, so it ends with the turn, and with the
 * lease of one whose process has died.
 */
import type { Database, Statement } from '../database.ts';
import { IS_LINE } from '../turns/claim-history.ts';
import { BUDGET_COLUMNS, budgetOf } from './budget.ts';
import { limitArgs, NEXT_PARAMETER, PARAMETER, type LimitsAsk } from './limits.ts';
import { resultOf, storedIn, type Reserved } from './reserved.ts';

/**
 * The allowance of a model's answer, and the cost of a token of it: the tokens of an answer when
 * the request names no limit, the most that it may name, and billionths of a dollar for a token of
 * input and output, null where no price is known.
 */
export type ModelAllowance = readonly [
  answer: number,
  most: number,
  input: number | null,
  output: number | null,
];

export interface ReserveAsk extends LimitsAsk {
  turnId: string;
  /** Tokens of what is new in the prompt. */
  prompt: number;
  /** The message that ends the stored part of the prompt; null for none. */
  from: string | null;
  /** True when that is the last message of the active path. */
  atHead: boolean;
  /** The most tokens that the request lets the model answer; null when it does not say. */
  most: number | null;
  /** An answer of fewer tokens is not worth a turn. */
  least: number;
  /** The model that the turn will most probably have, and its allowance. */
  model: string;
  allowance: ModelAllowance;
  /**
   * The allowances of others, a JSON object: by the model's name or alias, or `provider/*`; `*` is
   * any other.
   */
  models: string;
}

/** Messages that a prompt holds, besides the new one. */
const MESSAGES_SENT = 20;
/** More tokens than anybody may use. */
const MANY = 1_000_000_000_000;

/** Parameters besides those of the limits, by their numbers. */
const [PROMPT, FROM, AT_HEAD, MOST, LEAST, MODEL, ALLOWANCE, MODELS, HAD] = Array.from(
  { length: 9 },
  (_, at) => `?${NEXT_PARAMETER + at}`,
);

/** @param had the tokens that a running turn had reserved before; null for one that begins */
function argsOf(ask: ReserveAsk, had: number | null): (string | number | null)[] {
  const { turnId, prompt, from, atHead, most, least, model, allowance, models } = ask;
  const asked = [prompt, from, atHead ? 1 : 0, most, least, model];
  return [...limitArgs(turnId, ask), ...asked, JSON.stringify(allowance), models, had];
}

const modelNamed = (key: string) => `(SELECT value FROM json_each(${MODELS}) WHERE key = ${key})`;

const ALLOWED = `CASE t.model WHEN ${MODEL} THEN ${ALLOWANCE}
  ELSE coalesce(${modelNamed('t.model')}, ${modelNamed(`substr(t.model, 1, instr(t.model, '/')) || '*'`)}, ${modelNamed(`'*'`)}) END`;

const TOKENS_OF_MESSAGES = `coalesce(sum(CASE m.role WHEN 'user' THEN coalesce(m.output_tokens, 0) ELSE m.text_length / 3 END), 0)`;

/** Of a conversation that is one line, its newest messages: by their numbers. */
const HISTORY_OF_LINE = `SELECT ${TOKENS_OF_MESSAGES} FROM messages m
  WHERE m.conversation_id = c.id AND m.sequence_number > c.last_sequence_number - ${MESSAGES_SENT}`;

const HISTORY_OF_PATH = `WITH RECURSIVE path (id, steps) AS (
    SELECT coalesce(${FROM}, CASE WHEN ${AT_HEAD} THEN c.head_message_id END), 1
    UNION ALL SELECT m.parent_id, path.steps + 1 FROM path JOIN messages m ON m.id = path.id WHERE path.steps < ${MESSAGES_SENT})
  SELECT ${TOKENS_OF_MESSAGES} FROM path JOIN messages m ON m.id = path.id`;

/** The tokens of the stored messages that a prompt holds, by an estimate. */
const HISTORY = `CASE WHEN ${AT_HEAD} AND ${IS_LINE} THEN (${HISTORY_OF_LINE}) ELSE (${HISTORY_OF_PATH}) END`;

/** `fit` is what of it fits all limits: the least that any of them has left. */
const WANTED = `WITH ${budgetOf(`SELECT user_id FROM turns WHERE id = ${PARAMETER.user}`)},
  wanted AS (SELECT a ->> 2 AS input_price, a ->> 3 AS output_price, prompt, min(coalesce(${MOST}, a ->> 0), a ->> 1) AS answer
    FROM (SELECT ${ALLOWED} AS a,
        ${PROMPT} + CASE WHEN ${HAD} IS NULL THEN length(coalesce(c.instructions, '')) / 3 + ${HISTORY} ELSE 0 END AS prompt
      FROM turns t JOIN conversations c ON c.id = t.conversation_id WHERE t.id = ${PARAMETER.user})),
  room AS (SELECT min(min(coalesce(b.tokens_per_day - b.day_tokens - b.reserved_tokens, ${MANY}),
        coalesce(b.tokens_per_month - b.month_tokens - b.reserved_tokens, ${MANY}))) AS tokens,
      min(b.cost_per_month - b.month_cost - b.reserved_cost) AS cost,
      min((b.requests_per_minute IS NULL OR b.requests_used < b.requests_per_minute)
        AND (b.turns_at_once IS NULL OR b.turns_running < b.turns_at_once)
        AND coalesce(b.streams_open < b.streams, 1)) AS has_place,
      json_group_array(json_array(${BUDGET_COLUMNS})) AS rows
    FROM budget b),
  fit AS (SELECT w.*, room.has_place, room.rows, min(w.answer, ${LEAST}) AS fewest,
      CAST(min(w.answer, room.tokens - w.prompt, CASE WHEN room.cost IS NULL THEN ${MANY}
        WHEN w.input_price IS NULL OR room.cost < w.prompt * w.input_price THEN -1
        WHEN coalesce(w.output_price, 0) = 0 THEN ${MANY}
        ELSE (room.cost - w.prompt * w.input_price) / w.output_price END) AS INTEGER) AS granted
    FROM wanted w JOIN room)`;

const NEED = 'json_array(fit.prompt, fit.fewest, fit.input_price, fit.output_price)';

/** Keeps a column as it was reserved, and reserves what fits only at first. */
const reservedOnce = (column: string, fitting: string) =>
  `${column} = CASE WHEN turns.budget IS NOT NULL THEN turns.${column} WHEN fit.granted >= fit.fewest AND fit.has_place THEN ${fitting} END`;

/**
 * A turn that does not fit gets no reservation. It keeps how the limits stood either way, so that a
 * repeat is told the same.
 */
const RESERVE = `${WANTED}
  UPDATE turns SET key_id = ${PARAMETER.key}, input_price = coalesce(fit.input_price, 0), output_price = coalesce(fit.output_price, 0),
      ${reservedOnce('reserved_input', 'fit.prompt')}, ${reservedOnce('reserved_output', 'fit.granted')},
      budget = coalesce(turns.budget, json_array(${NEED}, json(fit.rows)))
    FROM fit WHERE turns.id = ${PARAMETER.user}
  RETURNING budget, reserved_input, reserved_output`;

const DROP_TURN = `DELETE FROM turns WHERE id = ? AND instance_id = ? AND state = 'running' AND reserved_input IS NULL`;
const DROP_CONVERSATION = `DELETE FROM conversations WHERE id = ? AND last_sequence_number = 0
  AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.conversation_id = conversations.id)`;

/** Of a turn that runs: more than it had. A repeat finds that it has more already. */
const EXTEND = `${WANTED}
  UPDATE turns SET reserved_input = turns.reserved_input + fit.prompt, reserved_output = turns.reserved_output + fit.granted
    FROM fit WHERE turns.id = ${PARAMETER.user} AND turns.state = 'running' AND fit.granted >= fit.fewest
      AND turns.reserved_input + turns.reserved_output = ${HAD}`;

const SELECT_EXTENDED = `${WANTED}
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
    ...(created === undefined ? [] : [{ sql: DROP_CONVERSATION, args: [created] }]),
  ];
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
  const reserved = resultOf(stored);
  const { input, output } = stored.reservation ?? { input: 0, output: 0 };
  return { ...reserved, granted: input + output > had ? { input, output } : undefined };
}
