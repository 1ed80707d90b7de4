/**
 * Tells how the limits of a user stand when a turn ends, by the statement that ends it. The turn
 * knows the limits from its beginning, so only what is used of them is read. Where the sums are not
 * kept, or the key has limits of its own, `budget.ts` reads.
 */
import type { Budget, LimitState } from '../../core/limits.ts';
import { NOW, type Value } from '../database.ts';
import { maySay, type StoredBudget, type UserBudgetAsk } from './budget.ts';
import { DAY, MINUTE, requestsCounted, RUNNING } from './usage-sums.ts';

/** Asks how limits stand when a turn ends. */
export interface StandingAsk extends UserBudgetAsk {
  /** The state when it was accepted, and the time of that by the database's clock, in ms. */
  before: StoredBudget;
  acceptedAt: number;
}

/** Returns true where the statement that ends the turn can tell it. */
export function isToldAtEnd({ before }: StandingAsk): boolean {
  return before.areSumsKept && !before.hasKeyLimits;
}

const RUNNING_TURNS = `SELECT coalesce(sum(is_alive), 0) AS alive, coalesce(sum(input + output), 0) AS tokens,
      coalesce(sum(input * input_price + output * output_price), 0) AS cost
    FROM (SELECT is_alive, r.reserved_input AS input, ${maySay('is_alive')} AS output, r.input_price, r.output_price
      FROM (SELECT r.*, r.heartbeat_at > ${NOW} - ? AS is_alive FROM turns r WHERE r.user_id = ? AND ${RUNNING}) AS r)`;

/** The last clause of an UPDATE: null where the sums are not those of today. */
export const TELLING_AT_END = `RETURNING (SELECT json_array(${NOW}, CASE WHEN ? THEN (${requestsCounted('s', NOW)}) END,
      r.alive, s.day_tokens, s.month_tokens, s.month_cost, r.tokens, r.cost)
    FROM usage_sums s JOIN (${RUNNING_TURNS}) r WHERE s.user_id = ? AND s.key_id = '' AND s.day = ${NOW} - ${NOW} % ${DAY}) AS standing`;

/** Returns the arguments of {@link TELLING_AT_END}. */
export function tellingArgs({ before, leaseMs, userId }: StandingAsk): (string | number)[] {
  const countsRequests = before.budget.some(({ name }) => name === 'requests_per_minute');
  return [countsRequests ? 1 : 0, leaseMs, userId, userId];
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
 * @param told by {@link TELLING_AT_END}
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
  const states = before.budget.flatMap((state) => stateOf(state, values, elapsedMs));
  return states.some(({ resetsInMs }) => resetsInMs !== null && resetsInMs <= 0)
    ? undefined
    : states;
}

function stateOf(before: LimitState, told: Told, elapsedMs: number): LimitState[] {
  const [, requests, running, dayTokens, monthTokens, monthCost, tokens, cost] = told;
  const spent = (used: number, reserved: number) => [
    { ...before, used, reserved, resetsInMs: (before.resetsInMs ?? 0) - elapsedMs },
  ];
  switch (before.name) {
    case 'requests_per_minute':
      return [{ ...before, used: requests ?? 0, resetsInMs: MINUTE }];
    case 'turns_at_once':
      return [{ ...before, used: running }];
    case 'tokens_per_day':
      return spent(dayTokens, tokens);
    case 'tokens_per_month':
      return spent(monthTokens, tokens);
    case 'cost_per_month':
      return spent(monthCost, cost);
    default:
      // What is open or stored is not asked for at the end.
      return [];
  }
}
