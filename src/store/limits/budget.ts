/**
 * How a user's limits stand, as SQL: the limits that hold for the user, what the ledger says was
 * used, and what running turns have reserved. A turn whose lease has run out counts with what it
 * is known to have used, which is what is written to the ledger when it is ended.
 */
import { LIMIT_NAMES, type Budget, type LimitName, type Limits } from '../../core/limits.ts';
import { NOW, type Database, type Statement } from '../database.ts';
import { number, optionalNumber, type Row } from '../rows.ts';

/** What a statement is given, as one JSON text: the CTE `ask`. */
export interface BudgetAsk {
  /** The limits of users who have none of their own. */
  defaults: Limits;
  leaseMs: number;
}

export interface UserBudgetAsk extends BudgetAsk {
  userId: string;
}

/** Milliseconds. */
const MINUTE = 60_000;

/** A limit of the user's own: none is left out, -1 says that there is none. */
const limitOf = (name: LimitName) =>
  `CASE WHEN l.${name} IS NULL THEN ask.j ->> '$.defaults.${name}' WHEN l.${name} < 0 THEN NULL ELSE l.${name} END AS ${name}`;

const RUNNING = `turns r WHERE r.user_id = limits.user_id AND state = 'running' AND reserved_input IS NOT NULL`;
const IS_ALIVE = `r.heartbeat_at > ${NOW} - (ask.j ->> '$.leaseMs')`;
const SAID = `coalesce((SELECT (m.text_length + 3) / 4 FROM messages m WHERE m.id = r.assistant_message_id), 0)`;
const MAY_SAY = `CASE WHEN ${IS_ALIVE} THEN r.reserved_output ELSE ${SAID} END`;
const RECENT = `SELECT r.id FROM ${RUNNING} AND r.started_at > ${NOW} - ${MINUTE}
  UNION SELECT e.work_id FROM ledger e WHERE e.user_id = limits.user_id AND e.created_at > ${NOW} - ${MINUTE}`;

const startOf = (period: 'day' | 'month') =>
  `CAST(unixepoch('now', 'start of ${period}') * 1000 AS INTEGER)`;
const endOf = (period: 'day' | 'month') =>
  `CAST(unixepoch('now', 'start of ${period}', '+1 ${period}') * 1000 AS INTEGER) - ${NOW}`;

const sumOf = (what: string, period: 'day' | 'month') =>
  `coalesce((SELECT sum(${what}) FROM ledger e WHERE e.user_id = limits.user_id AND e.created_at >= ${startOf(period)}), 0)`;

/** What is needed for one limit alone is only read where that limit is set. */
const where = (limits: readonly LimitName[], value: string) =>
  `CASE WHEN ${limits.map((name) => `limits.${name} IS NOT NULL`).join(' OR ')} THEN ${value} ELSE 0 END`;

/**
 * Returns the expressions for a WITH clause, whose last is `budget`, one row of a user.
 * @param who selects the user as `user_id`, from `ask` and others
 */
export function budgetOf(who: string): string {
  return `who AS (${who}),
  limits AS (SELECT who.user_id, ${LIMIT_NAMES.map(limitOf).join(', ')}
    FROM who JOIN ask LEFT JOIN user_limits l ON l.user_id = who.user_id),
  budget AS (SELECT limits.*,
      ${where(['requests_per_minute'], `(SELECT count(*) FROM (${RECENT}))`)} AS requests_used,
      ${where(['turns_at_once'], `(SELECT count(*) FROM ${RUNNING} AND ${IS_ALIVE})`)} AS turns_running,
      ${where(['tokens_per_day'], sumOf('e.input_tokens + e.output_tokens', 'day'))} AS day_tokens,
      ${where(['tokens_per_month'], sumOf('e.input_tokens + e.output_tokens', 'month'))} AS month_tokens,
      ${where(['cost_per_month'], sumOf('e.nanodollars', 'month'))} AS month_cost,
      ${where(['tokens_per_day', 'tokens_per_month'], `coalesce((SELECT sum(r.reserved_input + ${MAY_SAY}) FROM ${RUNNING}), 0)`)} AS reserved_tokens,
      ${where(['cost_per_month'], `coalesce((SELECT sum(r.reserved_input * r.input_price + (${MAY_SAY}) * r.output_price) FROM ${RUNNING}), 0)`)} AS reserved_cost,
      ${endOf('day')} AS day_left, ${endOf('month')} AS month_left
    FROM limits JOIN ask)`;
}

/** The columns that {@link budgetFrom} reads. */
export const BUDGET_COLUMNS = `${LIMIT_NAMES.map((name) => `b.${name}`).join(', ')}, b.requests_used, b.turns_running,
  b.day_tokens, b.month_tokens, b.month_cost, b.reserved_tokens, b.reserved_cost, b.day_left, b.month_left`;

/** Returns how the limits stand that are set. */
export function budgetFrom(row: Row): Budget {
  const of = (name: string) => number(row[name]);
  const [tokens, cost] = [of('reserved_tokens'), of('reserved_cost')];
  const states: Record<LimitName, Pick<Budget[number], 'used' | 'reserved' | 'resetsInMs'>> = {
    requests_per_minute: { used: of('requests_used'), reserved: 0, resetsInMs: MINUTE },
    turns_at_once: { used: of('turns_running'), reserved: 0, resetsInMs: null },
    tokens_per_day: { used: of('day_tokens'), reserved: tokens, resetsInMs: of('day_left') },
    tokens_per_month: { used: of('month_tokens'), reserved: tokens, resetsInMs: of('month_left') },
    cost_per_month: { used: of('month_cost'), reserved: cost, resetsInMs: of('month_left') },
  };
  return LIMIT_NAMES.flatMap((name) => {
    const limit = optionalNumber(row[name]);
    return limit === null ? [] : [{ name, limit, ...states[name] }];
  });
}

const SELECT_BUDGET = `WITH ask (j) AS (SELECT ?), ${budgetOf(`SELECT ask.j ->> '$.userId' AS user_id FROM ask`)}
  SELECT ${BUDGET_COLUMNS} FROM budget b`;

/**
 * Returns the statement that reads how a user's limits stand, in one row for {@link budgetFrom}.
 */
export function selectBudget(ask: UserBudgetAsk): Statement {
  return { sql: SELECT_BUDGET, args: [JSON.stringify(ask)] };
}

/** Reads how a user's limits stand. */
export async function readBudget(db: Database, ask: UserBudgetAsk): Promise<Budget> {
  const [result] = await db.batch([selectBudget(ask)], 'read');
  const row = result?.rows[0];
  return row ? budgetFrom(row) : [];
}
