/**
 * Reads the state of limits, as SQL: the limits that hold for a user and for the key that is used,
 * what the ledger says was used, and what running turns have reserved. What was set for a user
 * counts all that the user does. What was set for a key counts what is done by that key, and stands
 * in for the default of its user. A turn whose lease has run out counts with what it is known to
 * have used, which is what is written to the ledger when it is ended.
 */
import {
  LIMIT_NAMES,
  type Budget,
  type LimitName,
  type LimitOwner,
  type Limits,
  type OpenStreams,
} from '../../core/limits.ts';
import { NOW, type Database, type ResultSet, type Statement } from '../database.ts';
import { number, optionalNumber, type Row } from '../rows.ts';

/** The input of a statement, as one JSON text: the CTE `ask`. */
export interface BudgetAsk {
  /** The limits of users who have none of their own. */
  defaults: Limits;
  leaseMs: number;
  /** The public id of the key that is used; null where there is none. */
  keyId: string | null;
  /** The streams that are open; left out where no stream is asked for. */
  streams?: OpenStreams | undefined;
  /** True where it is asked for what is stored in files, of which no turn wants to know. */
  stored?: true;
}

export interface UserBudgetAsk extends BudgetAsk {
  userId: string;
}

/** Milliseconds. */
const MINUTE = 60_000;

/** The stored value of "no limit": a value that is null is the default. */
export const NONE = -1;

const KEY_LIMITS = `key_limits k ON k.key_id = ask.j ->> '$.keyId'`;

const limitOfUser = (name: LimitName) =>
  `CASE WHEN u.${name} > ${NONE} THEN u.${name}
    WHEN u.${name} IS NULL AND k.${name} IS NULL THEN ask.j ->> '$.defaults.${name}' END AS ${name}`;
const limitOfKey = (name: LimitName) => `CASE WHEN k.${name} > ${NONE} THEN k.${name} END`;

/** Selects the limits of the user, and those of the key where something was set for it. */
export const LIMITS = `SELECT who.user_id, NULL AS key_id, ask.j ->> '$.streams.user' AS streams_open, ${LIMIT_NAMES.map(limitOfUser).join(', ')}
    FROM who JOIN ask LEFT JOIN user_limits u ON u.user_id = who.user_id LEFT JOIN ${KEY_LIMITS}
  UNION ALL SELECT who.user_id, k.key_id, ask.j ->> '$.streams.key', ${LIMIT_NAMES.map(limitOfKey).join(', ')}
    FROM who JOIN ask JOIN ${KEY_LIMITS}`;

/** The column that says whose something is. */
type By = 'user_id' | 'key_id';

/** Reads by the user or by the key, as the row of `limits` says: each has an index of its own. */
const either = (read: (by: By) => string) =>
  `CASE WHEN limits.key_id IS NULL THEN (${read('user_id')}) ELSE (${read('key_id')}) END`;

const running = (by: By) =>
  `turns r WHERE r.${by} = limits.${by} AND state = 'running' AND reserved_input IS NOT NULL`;
const IS_ALIVE = `r.heartbeat_at > ${NOW} - (ask.j ->> '$.leaseMs')`;
const SAID = `coalesce((SELECT (m.text_length + 3) / 4 FROM messages m WHERE m.id = r.assistant_message_id), 0)`;
const MAY_SAY = `CASE WHEN ${IS_ALIVE} THEN r.reserved_output ELSE ${SAID} END`;
const recent = (by: By) => `SELECT r.id FROM ${running(by)} AND r.started_at > ${NOW} - ${MINUTE}
  UNION SELECT e.work_id FROM ledger e WHERE e.${by} = limits.${by} AND e.created_at > ${NOW} - ${MINUTE}`;

const startOf = (period: 'day' | 'month') =>
  `CAST(unixepoch('now', 'start of ${period}') * 1000 AS INTEGER)`;
const endOf = (period: 'day' | 'month') =>
  `CAST(unixepoch('now', 'start of ${period}', '+1 ${period}') * 1000 AS INTEGER) - ${NOW}`;

const sumOf = (what: string, period: 'day' | 'month') =>
  either(
    (by) =>
      `SELECT coalesce(sum(${what}), 0) FROM ledger e WHERE e.${by} = limits.${by} AND e.created_at >= ${startOf(period)}`,
  );
/** The bytes of a user's files, those that are the same once. */
const STORED = `(SELECT coalesce(sum(f.size), 0) FROM file_contents f WHERE f.user_id = limits.user_id)`;
const reserved = (what: string) =>
  either((by) => `SELECT coalesce(sum(${what}), 0) FROM ${running(by)}`);

/** Reads what one limit alone needs only where that limit is set. */
const where = (limits: readonly LimitName[], value: string) =>
  `CASE WHEN ${limits.map((name) => `limits.${name} IS NOT NULL`).join(' OR ')} THEN ${value} ELSE 0 END`;

/**
 * Returns the expressions for a WITH clause, whose last is `budget`: a row for the user, and one
 * for the key where something was set for it.
 * @param who selects the user as `user_id`, from `ask` and others
 */
export function budgetOf(who: string): string {
  return `who AS (${who}),
  limits AS (${LIMITS}),
  budget AS (SELECT limits.*,
      ${where(
        ['requests_per_minute'],
        either((by) => `SELECT count(*) FROM (${recent(by)})`),
      )} AS requests_used,
      ${where(
        ['turns_at_once'],
        either((by) => `SELECT count(*) FROM ${running(by)} AND ${IS_ALIVE}`),
      )} AS turns_running,
      ${where(['tokens_per_day'], sumOf('e.input_tokens + e.output_tokens', 'day'))} AS day_tokens,
      ${where(['tokens_per_month'], sumOf('e.input_tokens + e.output_tokens', 'month'))} AS month_tokens,
      ${where(['cost_per_month'], sumOf('e.nanodollars', 'month'))} AS month_cost,
      ${where(['tokens_per_day', 'tokens_per_month'], reserved(`r.reserved_input + ${MAY_SAY}`))} AS reserved_tokens,
      ${where(['cost_per_month'], reserved(`r.reserved_input * r.input_price + (${MAY_SAY}) * r.output_price`))} AS reserved_cost,
      CASE WHEN ask.j ->> '$.stored' AND limits.key_id IS NULL AND limits.stored_bytes IS NOT NULL THEN ${STORED} END AS stored_used,
      ${endOf('day')} AS day_left, ${endOf('month')} AS month_left
    FROM limits JOIN ask)`;
}

/** The columns that {@link budgetFrom} reads. */
export const BUDGET_COLUMNS = `${LIMIT_NAMES.map((name) => `b.${name}`).join(', ')}, b.key_id, b.streams_open, b.stored_used, b.requests_used, b.turns_running,
  b.day_tokens, b.month_tokens, b.month_cost, b.reserved_tokens, b.reserved_cost, b.day_left, b.month_left`;

/** Returns how the limits stand that are set. */
export function budgetFrom(set: ResultSet | undefined): Budget {
  return set?.rows.flatMap(statesFrom) ?? [];
}

function statesFrom(row: Row): Budget {
  const of = (name: string) => number(row[name]);
  const [tokens, cost] = [of('reserved_tokens'), of('reserved_cost')];
  const owner: LimitOwner = row['key_id'] === null ? 'user' : 'key';
  const open = optionalNumber(row['streams_open']);
  const stored = optionalNumber(row['stored_used']);
  const states: Record<LimitName, Pick<Budget[number], 'used' | 'reserved' | 'resetsInMs'>> = {
    requests_per_minute: { used: of('requests_used'), reserved: 0, resetsInMs: MINUTE },
    turns_at_once: { used: of('turns_running'), reserved: 0, resetsInMs: null },
    streams: { used: open ?? 0, reserved: 0, resetsInMs: null },
    tokens_per_day: { used: of('day_tokens'), reserved: tokens, resetsInMs: of('day_left') },
    tokens_per_month: { used: of('month_tokens'), reserved: tokens, resetsInMs: of('month_left') },
    cost_per_month: { used: of('month_cost'), reserved: cost, resetsInMs: of('month_left') },
    stored_bytes: { used: stored ?? 0, reserved: 0, resetsInMs: null },
  };
  return LIMIT_NAMES.flatMap((name) => {
    const limit = optionalNumber(row[name]);
    const isAsked =
      (name !== 'streams' || open !== null) && (name !== 'stored_bytes' || stored !== null);
    return limit !== null && isAsked ? [{ name, of: owner, limit, ...states[name] }] : [];
  });
}

/**
 * Selects how many bytes a user's limit has left, null for no limit: the texts before and after the
 * JSON text of what it is given.
 */
export const BYTES_LEFT = [
  'WITH ask (j) AS (SELECT ',
  `), who AS (SELECT ask.j ->> '$.userId' AS user_id FROM ask), limits AS (${LIMITS})
    SELECT limits.stored_bytes - ${STORED} FROM limits WHERE limits.key_id IS NULL`,
] as const;

const SELECT_BUDGET = `WITH ask (j) AS (SELECT ?), ${budgetOf(`SELECT ask.j ->> '$.userId' AS user_id FROM ask`)}
  SELECT ${BUDGET_COLUMNS} FROM budget b`;

/** Returns the statement that reads how limits stand, for {@link budgetFrom}. */
export function selectBudget(ask: UserBudgetAsk): Statement {
  return { sql: SELECT_BUDGET, args: [JSON.stringify(ask)] };
}

/** Reads how limits stand. */
export async function readBudget(db: Database, ask: UserBudgetAsk): Promise<Budget> {
  const [result] = await db.batch([selectBudget(ask)], 'read');
  return budgetFrom(result);
}
