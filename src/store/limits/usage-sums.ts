/**
 * Reads what a user or a key has used, as SQL: from the sums that triggers keep of the ledger, or
 * from the ledger itself where they are not kept yet or their day is over. The expressions are
 * about a row of `limits`, with `clock` and `sums` beside it.
 */
import { NOW, type Statement } from '../database.ts';
import { lowestIdSince } from '../usage/ledger.ts';
import { limitArgs, limitsOf, PARAMETER, type LimitsAsk } from './limits.ts';
import { RUNNING } from './running.ts';

/** Milliseconds. */
export const MINUTE = 60_000;
export const DAY = 86_400_000;

const monthOf = (day: string, modifier = '') =>
  `CAST(unixepoch(${day} / 1000, 'unixepoch', 'start of month'${modifier}) * 1000 AS INTEGER)`;

/** An expression for a WITH clause: now, and the day and the month in UTC, in milliseconds. */
export const CLOCK = `clock AS MATERIALIZED (SELECT now, day, day + ${DAY} AS next_day,
    ${monthOf('day')} AS month, ${monthOf('day', `, '+1 month'`)} AS next_month
  FROM (SELECT now, now - now % ${DAY} AS day FROM (SELECT ${NOW} AS now)))`;

/** The part of a FROM clause that finds the sums, after `limits JOIN clock`. */
export const JOIN_SUMS = `LEFT JOIN usage_sums sums ON sums.user_id = limits.user_id AND sums.key_id = limits.key_id`;

const ARE_REQUESTS_COUNTED = `sums.requests_since < clock.now - ${MINUTE}`;
/**
 * True where the sums are those of today, with the requests where these are limited. The month's
 * are then those of this month.
 */
export const IS_KEPT = `(sums.day IS clock.day AND (limits.requests_per_minute IS NULL OR ${ARE_REQUESTS_COUNTED}))`;

/** The column that says whose something is. */
export type By = 'user_id' | 'key_id';

/**
 * Returns running turns `r` with a reservation, of the owner of a row of `limits`, for a FROM
 * clause. Those of a key are found where that had limits when they began.
 */
export const running = (by: By) =>
  by === 'user_id'
    ? `turns r WHERE r.user_id = limits.user_id AND ${RUNNING}`
    : `turns r WHERE r.reserved_key_id = limits.key_id AND state = 'running' AND reserved_key_id IS NOT NULL`;

/** Reads by the user or by the key, as the row of `limits` says: each has an index of its own. */
export function either(read: (by: By) => string): string {
  return `CASE limits.key_id WHEN '' THEN (${read('user_id')}) ELSE (${read('key_id')}) END`;
}

/**
 * Returns entries `e` since a time, as FROM clauses that have each of them once. A user's are found
 * by their ids, in which they lie in the order of their time. Those of a key are among its user's,
 * and what it did for other users is found by an index.
 */
function entriesSince(by: By, time: string): readonly string[] {
  const isSince = `e.created_at >= ${time}`;
  const ofUser = `ledger e WHERE e.user_id = limits.user_id AND e.work_id >= ${lowestIdSince(time)} AND ${isSince}`;
  if (by === 'user_id') return [ofUser];
  return [
    `${ofUser} AND e.key_id = limits.key_id`,
    `ledger e WHERE e.acting_key_id = limits.key_id AND ${isSince}`,
  ];
}

function inLedger(what: string, period: 'day' | 'month'): string {
  const sum = (from: string) => `(SELECT coalesce(sum(${what}), 0) FROM ${from})`;
  const sums = (by: By) => entriesSince(by, `clock.${period}`).map(sum);
  return either((by) => `SELECT ${sums(by).join(' + ')}`);
}

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

/** Work of the last minute, for a FROM clause: running turns `r`, and entries `e`. */
const recentTurns = (by: By) => `${running(by)} AND r.started_at > clock.now - ${MINUTE}`;
const recentEntries = (by: By) => entriesSince(by, `clock.now - ${MINUTE}`);

/** The ids of that work: a turn counts once. */
function recentWorks(by: By): string {
  const ids = recentEntries(by).map((from) => `SELECT e.work_id FROM ${from}`);
  return [`SELECT r.id FROM ${recentTurns(by)}`, ...ids].join(' UNION ');
}

/**
 * Returns a SELECT that adds up the requests of the last minute, where they are counted.
 * @param now in milliseconds
 */
export function requestsCounted({
  user,
  key,
  now,
}: Record<'user' | 'key' | 'now', string>): string {
  return `SELECT coalesce(sum(q.requests), 0) FROM usage_requests q
      WHERE q.user_id = ${user} AND q.key_id = ${key} AND q.second >= ${now} / 1000 - ${MINUTE / 1000}`;
}

const REQUESTS_COUNTED = requestsCounted({
  user: 'limits.user_id',
  key: 'limits.key_id',
  now: 'clock.now',
});

/**
 * The number of requests in the last minute. A request counts for up to a second longer where they
 * are counted by the second.
 */
export const RECENT_REQUESTS = `CASE WHEN ${ARE_REQUESTS_COUNTED} THEN (${REQUESTS_COUNTED})
    ELSE ${either((by) => `SELECT count(*) FROM (${recentWorks(by)})`)} END`;

const LIMITS = limitsOf(`SELECT ${PARAMETER.user} AS user_id`);

function worksOf(by: By): string {
  const isWhose = by === 'user_id' ? `limits.key_id = ''` : `limits.key_id <> ''`;
  const select = (id: string, at: string, from: string) =>
    `SELECT limits.user_id, limits.key_id, ${id} AS work_id, ${at} AS at FROM limits JOIN clock JOIN ${from} AND ${isWhose}`;
  const turns = select('r.id', 'r.started_at', recentTurns(by));
  const entries = recentEntries(by).map((from) => select('e.work_id', 'e.created_at', from));
  return [turns, ...entries].join(' UNION ALL ');
}

/** Counts the requests of the last minute for those whose requests are not counted yet. */
const COUNT = `WITH ${CLOCK}, of_all AS (${LIMITS}),
  limits AS (SELECT of_all.user_id, of_all.key_id FROM of_all
      LEFT JOIN usage_sums sums ON sums.user_id = of_all.user_id AND sums.key_id = of_all.key_id
    WHERE of_all.requests_per_minute IS NOT NULL AND sums.requests_since IS NULL),
  works AS (${worksOf('user_id')} UNION ALL ${worksOf('key_id')})
  INSERT INTO usage_requests (user_id, key_id, second, requests)
  SELECT user_id, key_id, at / 1000, count(*)
    FROM (SELECT user_id, key_id, min(at) AS at FROM works GROUP BY user_id, key_id, work_id) GROUP BY user_id, key_id, at / 1000
  ON CONFLICT DO UPDATE SET requests = max(requests, excluded.requests)`;

const KEEP = `WITH ${CLOCK}, limits AS (${LIMITS})
  INSERT INTO usage_sums (user_id, key_id, day, day_tokens, month, month_tokens, month_cost, requests_since)
  SELECT limits.user_id, limits.key_id, clock.day, ${IN_LEDGER.day_tokens}, clock.month, ${IN_LEDGER.month_tokens},
      ${IN_LEDGER.month_cost}, CASE WHEN limits.requests_per_minute IS NOT NULL THEN clock.now - ${MINUTE} - 1 END
    FROM limits JOIN clock ${JOIN_SUMS} WHERE ${IS_KEPT} IS NOT TRUE
  ON CONFLICT DO UPDATE SET day = excluded.day, day_tokens = excluded.day_tokens, month = excluded.month,
    month_tokens = excluded.month_tokens, month_cost = excluded.month_cost,
    requests_since = CASE WHEN excluded.requests_since IS NOT NULL THEN coalesce(requests_since, excluded.requests_since) END`;

/**
 * Returns the statements that begin to keep the sums of a user, and those of the key where it has
 * limits of its own; safe to repeat. They sum up the ledger, so they are for those whose sums are
 * not kept.
 */
export function keepSums(userId: string, ask: LimitsAsk): Statement[] {
  const args = limitArgs(userId, ask);
  return [
    { sql: COUNT, args },
    { sql: KEEP, args },
  ];
}
