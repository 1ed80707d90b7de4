/**
 * Tells how the limits of a user stand when a turn ends, in the batch that ends it. The turn knows
 * the limits from its beginning, so only what is used of them is read. Where the sums are not kept,
 * or the key has limits of its own, `budget.ts` reads.
 */
import type { Budget, LimitState } from '../../core/limits.ts';
import { NOW, type Statement, type Value } from '../database.ts';
import type { StoredBudget, UserBudgetAsk } from './budget.ts';
import { reservedBy } from './running.ts';
import { DAY, MINUTE, requestsCounted } from './usage-sums.ts';

/** Asks how limits stand when a turn ends. */
export interface StandingAsk extends UserBudgetAsk {
  /** The state when it was accepted, and the time of that by the database's clock, in ms. */
  before: StoredBudget;
  acceptedAt: number;
}

/** Returns true where {@link selectStanding} can tell it. */
export function isReadShortly({ before }: StandingAsk): boolean {
  return before.areSumsKept && !before.hasKeyLimits;
}

const [USER, LEASE_MS, COUNTS_REQUESTS] = ['?1', '?2', '?3'];
const REQUESTS = requestsCounted({ user: USER, key: `''`, now: NOW });
const SELECT_STANDING = `SELECT json_array(${NOW}, CASE WHEN ${COUNTS_REQUESTS} THEN (${REQUESTS}) END,
      r.alive, s.day_tokens, s.month_tokens, s.month_cost, r.tokens, r.cost)
    FROM usage_sums s JOIN (${reservedBy(USER, { now: NOW, leaseMs: LEASE_MS })}) r
    WHERE s.user_id = ${USER} AND s.key_id = '' AND s.day = ${NOW} - ${NOW} % ${DAY}`;

/**
 * Returns the statement that tells how the limits stand once the turn has ended, for
 * {@link standingFrom}: no row where the sums are not those of today.
 */
export function selectStanding({ before, leaseMs, userId }: StandingAsk): Statement {
  const countsRequests = before.budget.some(({ name }) => name === 'requests_per_minute');
  return { sql: SELECT_STANDING, args: [userId, leaseMs, countsRequests ? 1 : 0], isOneRow: true };
}

type Told = [
  now: number,
  requests: number | null,
  turnsRunning: number,
  dayTokens: number,
  monthTokens: number,
  monthCost: number,
  reservedTokens: number,
  reservedCost: number,
];

/**
 * Returns how the limits stand.
 * @param told by {@link selectStanding}
 * @returns undefined where that did not tell, or a day or a month has begun since
 */
export function standingFrom(
  told: Value | undefined,
  { before, acceptedAt }: StandingAsk,
): Budget | undefined {
  if (typeof told !== 'string') return undefined;
  // The statement above writes it.
  const values = JSON.parse(told) as Told;
  const elapsedMs = values[0] - acceptedAt;
  const states: LimitState[] = [];
  for (const state of before.budget) {
    const now = stateOf(state, values, elapsedMs);
    if (now) states.push(now);
  }
  return states.some(({ resetsInMs }) => resetsInMs !== null && resetsInMs <= 0)
    ? undefined
    : states;
}

/** Returns undefined for a limit on what is open or stored, for which nobody asks at the end. */
function stateOf(before: LimitState, told: Told, elapsedMs: number): LimitState | undefined {
  const [, requests, running, dayTokens, monthTokens, monthCost, tokens, cost] = told;
  const { name, of, limit } = before;
  const state = (used: number, reserved: number, resets: number | null) => {
    return { name, of, limit, used, reserved, resetsInMs: resets };
  };
  const resetsInMs = (before.resetsInMs ?? 0) - elapsedMs;
  switch (name) {
    case 'requests_per_minute':
      return state(requests ?? 0, 0, MINUTE);
    case 'turns_at_once':
      return state(running, 0, null);
    case 'tokens_per_day':
      return state(dayTokens, tokens, resetsInMs);
    case 'tokens_per_month':
      return state(monthTokens, tokens, resetsInMs);
    case 'cost_per_month':
      return state(monthCost, cost, resetsInMs);
    default:
      return undefined;
  }
}
