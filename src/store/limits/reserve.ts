/**
 * Reserves, for a turn, what it may use: its prompt by an estimate, and the most that its model may
 * answer. The reservation is in the row of the running turn, so it ends with the turn, and with the
 * lease of one whose process has died.
 */
import type { Budget } from '../../core/limits.ts';
import type { Database, ResultSet, Statement } from '../database.ts';
import { number, optionalNumber, text } from '../rows.ts';
import { BUDGET_COLUMNS, budgetFrom, budgetOf, type BudgetAsk } from './budget.ts';

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

export interface ReserveAsk extends BudgetAsk {
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
  /** By the model's name or alias, or `provider/*`; `*` is any other. */
  models: Readonly<Record<string, ModelAllowance>>;
}

/** Messages that a prompt holds, besides the new one. */
const MESSAGES_SENT = 20;
/** More tokens than anybody may use. */
const MANY = 1_000_000_000_000;

const modelNamed = (key: string) =>
  `(SELECT value FROM json_each(ask.j, '$.models') WHERE key = ${key})`;

/** The tokens of the stored messages that a prompt holds, by an estimate. */
const HISTORY = `(WITH RECURSIVE path (id, steps) AS (
    SELECT coalesce(ask.j ->> '$.from', CASE WHEN ask.j ->> '$.atHead' THEN c.head_message_id END), 1
    UNION ALL SELECT m.parent_id, path.steps + 1 FROM path JOIN messages m ON m.id = path.id WHERE path.steps < ${MESSAGES_SENT})
  SELECT coalesce(sum(CASE m.role WHEN 'user' THEN coalesce(m.output_tokens, 0) ELSE m.text_length / 3 END), 0)
    FROM path JOIN messages m ON m.id = path.id)`;

/** `fit` is what of it fits all limits: the least that any of them has left. */
const WANTED = `WITH ask (j) AS (SELECT ?),
  ${budgetOf(`SELECT t.user_id, t.id AS turn_id, t.model, t.conversation_id FROM ask JOIN turns t ON t.id = ask.j ->> '$.turnId'`)},
  allowance AS (SELECT coalesce(${modelNamed('who.model')},
      ${modelNamed(`substr(who.model, 1, instr(who.model, '/')) || '*'`)}, ${modelNamed(`'*'`)}) AS a FROM who JOIN ask),
  wanted AS (SELECT who.turn_id, a ->> 2 AS input_price, a ->> 3 AS output_price,
      (ask.j ->> '$.prompt') + CASE WHEN ask.j ->> '$.had' IS NULL THEN length(coalesce(c.instructions, '')) / 3 + ${HISTORY} ELSE 0 END AS prompt,
      min(coalesce(ask.j ->> '$.most', a ->> 0), a ->> 1) AS answer
    FROM who JOIN ask JOIN allowance JOIN conversations c ON c.id = who.conversation_id),
  room AS (SELECT min(coalesce(b.tokens_per_day - b.day_tokens - b.reserved_tokens, ${MANY}),
        coalesce(b.tokens_per_month - b.month_tokens - b.reserved_tokens, ${MANY})) - w.prompt AS tokens,
      CASE WHEN b.cost_per_month IS NULL THEN NULL
        WHEN w.input_price IS NULL THEN -1
        ELSE b.cost_per_month - b.month_cost - b.reserved_cost - w.prompt * w.input_price END AS cost,
      (b.requests_per_minute IS NULL OR b.requests_used < b.requests_per_minute)
        AND (b.turns_at_once IS NULL OR b.turns_running < b.turns_at_once)
        AND coalesce(b.streams_open < b.streams, 1) AS has_place
    FROM budget b JOIN wanted w),
  least AS (SELECT min(tokens) AS tokens, min(cost) AS cost, min(has_place) AS has_place FROM room),
  fit AS (SELECT w.*, min(w.answer, ask.j ->> '$.least') AS fewest, least.has_place,
      CAST(min(w.answer, least.tokens, CASE WHEN least.cost < 0 THEN -1 WHEN least.cost IS NULL OR coalesce(w.output_price, 0) = 0 THEN ${MANY}
        ELSE least.cost / w.output_price END) AS INTEGER) AS granted
    FROM wanted w JOIN least JOIN ask)`;

const RESERVE = `${WANTED}
  UPDATE turns SET reserved_input = fit.prompt, reserved_output = fit.granted, key_id = ask.j ->> '$.keyId',
      input_price = coalesce(fit.input_price, 0), output_price = coalesce(fit.output_price, 0)
    FROM fit, ask WHERE turns.id = fit.turn_id AND turns.reserved_input IS NULL AND fit.granted >= fit.fewest AND fit.has_place`;

/** Of a turn that fits, its row says what it needs; that is worked out again for any other. */
const SELECT_RESERVED = `${WANTED}
  SELECT ${BUDGET_COLUMNS}, t.reserved_input, t.reserved_output,
      CASE WHEN t.reserved_input IS NULL THEN (SELECT json_array(prompt, fewest, input_price, output_price) FROM fit)
        ELSE json_array(t.reserved_input, 0, t.input_price, t.output_price) END AS need
    FROM budget b JOIN who JOIN turns t ON t.id = who.turn_id`;

const SELECT_EXTENDED = `${WANTED}
  SELECT ${BUDGET_COLUMNS}, t.reserved_input, t.reserved_output,
      json_array(fit.prompt, fit.fewest, fit.input_price, fit.output_price) AS need
    FROM budget b JOIN fit JOIN turns t ON t.id = fit.turn_id`;

const DROP_TURN = `DELETE FROM turns WHERE id = ? AND instance_id = ? AND state = 'running' AND reserved_input IS NULL`;
const DROP_CONVERSATION = `DELETE FROM conversations WHERE id = ? AND last_sequence_number = 0
  AND NOT EXISTS (SELECT 1 FROM turns t WHERE t.conversation_id = conversations.id)`;

/** Of a turn that runs: more than it had. A repeat finds that it has more already. */
const EXTEND = `${WANTED}
  UPDATE turns SET reserved_input = turns.reserved_input + fit.prompt, reserved_output = turns.reserved_output + fit.granted
    FROM fit, ask WHERE turns.id = fit.turn_id AND turns.state = 'running' AND fit.granted >= fit.fewest
      AND turns.reserved_input + turns.reserved_output = ask.j ->> '$.had'`;

/** The index of the statement of {@link reserve} whose rows tell the result. */
export const RESERVE_RESULT = 1;

/**
 * Returns the statements that follow the insertion of a turn and precede that of its messages. A
 * turn that does not fit is gone again, and nothing is stored of it.
 * @param created the conversation that the turn has begun, if it has
 */
export function reserve(
  ask: ReserveAsk,
  { instanceId, created }: { instanceId: string; created: string | undefined },
): Statement[] {
  const args = [JSON.stringify(ask)];
  return [
    { sql: RESERVE, args },
    { sql: SELECT_RESERVED, args },
    { sql: DROP_TURN, args: [ask.turnId, instanceId] },
    ...(created === undefined ? [] : [{ sql: DROP_CONVERSATION, args: [created] }]),
  ];
}

/** The result of a reservation. */
export interface Reserved {
  budget: Budget;
  /** Tokens; undefined when there was no room. */
  granted: { input: number; output: number } | undefined;
  /** The least that the turn would have needed. */
  need: { tokens: number; nanodollars: number };
  /** True when a token of input costs no more than one of output, and may be used instead. */
  mayShift: boolean;
  /** True when the costs are limited and the model has no price. */
  isUnpriced: boolean;
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
export async function extend(db: Database, ask: ExtendAsk): Promise<Reserved | undefined> {
  const args = [JSON.stringify({ ...ask, from: null, atHead: false, streams: undefined })];
  const statements = [
    { sql: EXTEND, args },
    { sql: SELECT_EXTENDED, args },
  ];
  const reserved = reservedFrom((await db.batch(statements, 'write-unflushed')).at(-1));
  if (!reserved?.granted) return reserved;
  const { input, output } = reserved.granted;
  return { ...reserved, granted: input + output > ask.had ? reserved.granted : undefined };
}

/** Tokens of the prompt and the fewest of an answer, and the prices of a token of each. */
type Need = [prompt: number, least: number, input: number | null, output: number | null];

/** Reads the result of {@link reserve}; undefined when the turn was not inserted. */
export function reservedFrom(set: ResultSet | undefined): Reserved | undefined {
  const row = set?.rows[0];
  if (!row) return undefined;
  const budget = budgetFrom(set);
  const input = optionalNumber(row['reserved_input']);
  const [prompt, least, inputPrice, ofOutput] = JSON.parse(text(row['need'])) as Need;
  const outputPrice = ofOutput ?? 0;
  return {
    budget,
    granted: input === null ? undefined : { input, output: number(row['reserved_output']) },
    need: { tokens: prompt + least, nanodollars: prompt * (inputPrice ?? 0) + least * outputPrice },
    mayShift: (inputPrice ?? 0) <= outputPrice,
    isUnpriced: inputPrice === null && budget.some(({ name }) => name === 'cost_per_month'),
  };
}
