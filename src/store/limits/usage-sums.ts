/**
 * Reads what a user or a key has used, as SQL: from the sums that triggers keep of the ledger, or
 * from the ledger itself where they are not kept yet or their day is over. The expressions are
 * about a row of `limits`, with `clock` and `sums` beside it.
 */
import { NOW, type Statement } from '../database.ts';
import { lowestIdSince } from '../usage/ledger.ts';
import { limitArgs, limitsOf, PARAMETER, type LimitsAsk } from './limits.ts';

/** Milliseconds. */
export const MINUTE = 60_000;
const DAY = 86_400_000;

const monthOf = (day: string, modifier = '') =>
  `CAST(unixepoch(${day} / 1000, 'unixepoch', 'start of month'${modifier}) * 1000 AS INTEGER)`;

/** An expression for a WITH clause: now, and the day and the month in UTC, in milliseconds. */
export const CLOCK = `clock AS (SELECT now, day, day + ${DAY} AS next_day,
    ${monthOf('day')} AS month, ${monthOf('day', `, '+1 month'`)} AS next_month
  FROM (SELECT now, now - now % ${DAY} AS day FROM (SELECT ${NOW} AS now)))`;

/** The part of a FROM clause that finds the sums, after `limits JOIN clock`. */
export const JOIN_SUMS = `LEFT JOIN usage_sums sums ON sums.user_id = limits.user_id AND sums.key_id = limits.key_id`;

/** True where the sums are those of today. The month's are then those of this month. */
export const IS_KEPT = 'sums.day IS clock.day';

/** The column that says whose something is. */
export type By = 'user_id' | 'key_id';

/** Reads by the user or by the key, as the row of `limits` says: each has an index of its own. */
export function either(read: (by: By) => string): string {
  return `CASE limits.key_id WHEN '' THEN (${read('user_id')}) ELSE (${read('key_id')}) END`;
}

/**
 * Returns the condition on an entry `e`. A user's entries are found by their ids, in which they lie
 * in the order of their time, and those of a key by an index.
 */
function entriesSince(by: By, time: string): string {
  const isSince = `e.${by} = limits.${by} AND e.created_at >= ${time}`;
  return by === 'user_id' ? `${isSince} AND e.work_id >= ${lowestIdSince(time)}` : isSince;
}

const inLedger = (what: string, period: 'day' | 'month') =>
  either(
    (by) =>
      `SELECT coalesce(sum(${what}), 0) FROM ledger e WHERE ${entriesSince(by, `clock.${period}`)}`,
  );

const TOKENS = 'e.input_tokens + e.output_tokens';
const IN_LEDGER = {
  day_tokens: inLedger(TOKENS, 'day'),
  month_tokens: inLedger(TOKENS, 'month'),
  month_cost: inLedger('e.nanodollars', 'month'),
};

/** Returns the expression of a sum. */
export function usedSince(sum: keyof typeof IN_LEDGER): string {
  return `CASE WHEN ${IS_KEPT} THEN sums.${sum} ELSE ${IN_LEDGER[sum]} END`;
}

const recent = (by: By, running: (by: By) => string) =>
  `SELECT r.id FROM ${running(by)} AND r.started_at > clock.now - ${MINUTE}
  UNION SELECT e.work_id FROM ledger e WHERE ${entriesSince(by, `clock.now - ${MINUTE}`)}`;

/**
 * Returns the expression of the number of requests in the last minute. A request counts for up to a
 * second longer where they are counted by the second.
 * @param running selects running turns with a reservation
 */
export function recentRequests(running: (by: By) => string): string {
  return `CASE WHEN sums.requests_since < clock.now - ${MINUTE}
    THEN (SELECT coalesce(sum(q.requests), 0) FROM usage_requests q
      WHERE q.user_id = limits.user_id AND q.key_id = limits.key_id AND q.second >= clock.now / 1000 - ${MINUTE / 1000})
    ELSE ${either((by) => `SELECT count(*) FROM (${recent(by, running)})`)} END`;
}

const KEEP = `WITH ${CLOCK}, limits AS (${limitsOf(`SELECT ${PARAMETER.user} AS user_id`)})
  INSERT INTO usage_sums (user_id, key_id, day, day_tokens, month, month_tokens, month_cost, requests_since)
  SELECT limits.user_id, limits.key_id, clock.day, ${IN_LEDGER.day_tokens}, clock.month, ${IN_LEDGER.month_tokens},
      ${IN_LEDGER.month_cost}, CASE WHEN limits.requests_per_minute IS NOT NULL THEN clock.now END
    FROM limits JOIN clock ${JOIN_SUMS} WHERE NOT (${IS_KEPT})
  ON CONFLICT DO UPDATE SET day = excluded.day, day_tokens = excluded.day_tokens, month = excluded.month,
    month_tokens = excluded.month_tokens, month_cost = excluded.month_cost,
    requests_since = CASE WHEN excluded.requests_since IS NOT NULL THEN coalesce(requests_since, excluded.requests_since) END`;

/**
 * Returns the statement that begins to keep the sums of a user, and those of the key where it has
 * limits of its own; safe to repeat. It sums up the ledger, so it is for those whose sums are not
 * kept.
 */
export function keepSums(userId: string, ask: LimitsAsk): Statement {
  return { sql: KEEP, args: limitArgs(userId, ask) };
}
