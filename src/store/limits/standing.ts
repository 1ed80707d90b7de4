/**
 * Reads how the limits of a user stand from the sums that are kept, as SQL, where the caller's key
 * has no limits of its own. Nearly every turn asks just that, so it looks at as few rows as it can.
 * In all other cases `budget.ts` reads.
 */
import { LIMIT_NAMES, LIMITS_OF_TURNS } from '../../core/limits.ts';
import { lowestIdSince } from '../usage/ledger.ts';
import { RESERVED, turnsAlive, where } from './budget.ts';
import { ofUserAlone, PARAMETER, STREAMS } from './limits.ts';
import {
  areRequestsCounted,
  CLOCK,
  isKept,
  MINUTE,
  recentTurns,
  requestsCounted,
} from './usage-sums.ts';

const SUMMED = ['requests_per_minute', 'tokens_per_day', 'tokens_per_month', 'cost_per_month'];
/** True for a user who has a limit that a turn can meet. */
const IS_LIMITED = `coalesce(${LIMITS_OF_TURNS.map((name) => `limits.${name}`).join(', ')}) IS NOT NULL`;

/** True for a user who has a limit on something that is summed up. */
const IS_SUMMED = `coalesce(${SUMMED.map((name) => `limits.${name}`).join(', ')}) IS NOT NULL`;

const IS_TODAY = 'limits.sums_day IS clock.day';
const IS_THIS_MONTH = 'limits.sums_month IS clock.month';
const ARE_REQUESTS_COUNTED = areRequestsCounted('limits');
const IS_KEPT = isKept(IS_TODAY, ARE_REQUESTS_COUNTED);

/** The time since which the sums may lack something. */
const SINCE = `min(CASE WHEN ${IS_THIS_MONTH} THEN clock.day ELSE clock.month END, clock.now - ${MINUTE})`;
/** True where the sums lack nothing, because nothing was used since then. */
const IS_UNUSED = `NOT EXISTS (SELECT 1 FROM ledger e WHERE e.user_id = limits.user_id AND e.created_at >= ${SINCE}
  AND e.work_id >= ${lowestIdSince(SINCE)})`;

const whileCurrent = (sum: string, isCurrent: string) =>
  `CASE WHEN ${isCurrent} THEN limits.${sum} ELSE 0 END`;

/** Columns of a conversation that further columns may be about. */
const OF_CONVERSATION = [
  'id',
  'user_id',
  'model',
  'instructions',
  'head_message_id',
  'message_count',
  'last_sequence_number',
];

/**
 * Expressions for a WITH clause, whose last is `standing`: one row for the owner of a conversation,
 * or none where the sums do not tell, or the key has limits of its own.
 * @param condition that the conversation `c` is the caller's
 * @param more further columns, read for users with limits: their names, and their expressions about
 *   a row `limits` with the columns of the conversation
 */
export function standingOf(condition: string, more: Readonly<Record<string, string>>): string {
  const further = Object.entries(more).map(
    ([name, value]) => `CASE WHEN ${IS_LIMITED} THEN ${value} END AS ${name}`,
  );
  return `${CLOCK},
  limits AS MATERIALIZED (SELECT ${OF_CONVERSATION.map((name) => `c.${name}`).join(', ')}, '' AS key_id, ${LIMIT_NAMES.map(ofUserAlone).join(', ')},
      sums.day AS sums_day, sums.month AS sums_month, sums.day_tokens, sums.month_tokens, sums.month_cost, sums.requests_since
    FROM conversations c LEFT JOIN user_limits u ON u.user_id = c.user_id
      LEFT JOIN usage_sums sums ON sums.user_id = c.user_id AND sums.key_id = ''
    WHERE c.id = ${PARAMETER.user} AND ${condition} AND NOT EXISTS (SELECT 1 FROM key_limits k WHERE k.key_id = ${PARAMETER.key})),
  standing AS MATERIALIZED (SELECT ${LIMIT_NAMES.map((name) => `limits.${name}`).join(', ')},
      ${IS_LIMITED} AS is_limited, limits.key_id, ${STREAMS.user} AS streams_open, NULL AS stored_used,
      ${where(['requests_per_minute'], `CASE WHEN ${ARE_REQUESTS_COUNTED} THEN (${requestsCounted('limits', 'clock.now')}) ELSE (SELECT count(*) FROM ${recentTurns('user_id')}) END`)} AS requests_used,
      ${where(['turns_at_once'], `(${turnsAlive('user_id')})`)} AS turns_running,
      ${whileCurrent('day_tokens', IS_TODAY)} AS day_tokens,
      ${whileCurrent('month_tokens', IS_THIS_MONTH)} AS month_tokens,
      ${whileCurrent('month_cost', IS_THIS_MONTH)} AS month_cost,
      ${where(['tokens_per_day', 'tokens_per_month'], `(${RESERVED.tokens('user_id')})`)} AS reserved_tokens,
      ${where(['cost_per_month'], `(${RESERVED.cost('user_id')})`)} AS reserved_cost,
      clock.next_day - clock.now AS day_left, clock.next_month - clock.now AS month_left,
      ${IS_KEPT} AS is_kept, ${further.join(', ')}
    FROM limits JOIN clock WHERE NOT ${IS_SUMMED} OR ${IS_KEPT} OR ${IS_UNUSED})`;
}
