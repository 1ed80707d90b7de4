/**
 * Tells how the limits of a user stand when a turn ends. The turn knows the limits from its
 * beginning. One that was short knows what is used as well: what was used then, and what it has
 * used itself. Of a longer one that is read in the batch that ends it, since others have run
 * meanwhile. Where the sums are not kept, or the key has limits of its own, `budget.ts` reads all.
 */
import type { LedgerEntry } from '../../core/ledger.ts';
import type { Budget, LimitState } from '../../core/limits.ts';
import { NOW, type Database, type Statement, type Value } from '../database.ts';
import { budgetFrom, readBudget, selectBudget, type UserBudgetAsk } from './budget.ts';
import type { Reserved } from './reserved.ts';
import { reservedBy } from './running.ts';
import { DAY, MINUTE, requestsCounted } from './usage-sums.ts';

/** The longest that a turn may take to be short, in ms: what it tells may be as old. */
const SHORT_MS = 1000;

/** Asks how limits stand when a turn ends. */
export interface StandingAsk extends UserBudgetAsk {
  /** The state when it was accepted, and the time of that by the database's clock, in ms. */
  before: Pick<Reserved, 'budget' | 'areSumsKept' | 'hasKeyLimits' | 'granted' | 'grantedCost'>;
  acceptedAt: number;
}

/** The turn that ends: its calls, and how many ms it took. */
interface EndedTurn {
  calls: readonly LedgerEntry[];
  durationMs: number | null;
}

const [USER, LEASE_MS, COUNTS_REQUESTS] = ['?1', '?2', '?3'];
const REQUESTS = requestsCounted({ user: USER, key: `''`, now: NOW });
const SELECT_STANDING = `SELECT json_array(${NOW}, CASE WHEN ${COUNTS_REQUESTS} THEN (${REQUESTS}) END,
      r.alive, s.day_tokens, s.month_tokens, s.month_cost, r.tokens, r.cost)
    FROM usage_sums s JOIN (${reservedBy(USER, { now: NOW, leaseMs: LEASE_MS })}) r
    WHERE s.user_id = ${USER} AND s.key_id = '' AND s.day = ${NOW} - ${NOW} % ${DAY}
      AND (NOT ${COUNTS_REQUESTS} OR s.requests_since < ${NOW} - ${MINUTE})`;

/** Returns false for a turn that knows how the limits stand once it has ended. */
export function asksForStanding(ask: StandingAsk, turn: EndedTurn): boolean {
  return !isToldShortly(ask) || !isShort(ask, turn);
}

/** Returns the statement that tells how the limits stand once the turn has ended. */
export function selectStanding(ask: StandingAsk): Statement {
  if (!isToldShortly(ask)) return selectBudget(ask);
  const { before, leaseMs, userId } = ask;
  const countsRequests = before.budget.some(({ name }) => name === 'requests_per_minute');
  const args = [userId, leaseMs, countsRequests ? 1 : 0];
  return { sql: SELECT_STANDING, args, isOneRow: true };
}

/**
 * Returns how the limits stand.
 * @param rows the result of {@link selectStanding}; undefined where the turn knows it
 */
export async function standingFrom(
  db: Database,
  rows: readonly (readonly Value[])[] | undefined,
  ask: StandingAsk,
  turn: EndedTurn,
): Promise<Budget> {
  if (!rows) return knownStanding(ask, turn);
  if (!isToldShortly(ask)) return budgetFrom(rows).budget;
  return toldStanding(rows[0]?.[0], ask) ?? readBudget(db, ask);
}

/** Returns true where what the turn knows of the limits is worth something at its end. */
function isToldShortly({ before }: StandingAsk): boolean {
  return before.areSumsKept && !before.hasKeyLimits;
}

/** Returns true for a turn that knows how the limits stand: no day has begun since. */
function isShort({ before }: StandingAsk, { durationMs }: EndedTurn): boolean {
  const isSameDay = before.budget.every(({ resetsInMs }) => (resetsInMs ?? DAY) > 2 * SHORT_MS);
  return durationMs !== null && durationMs < SHORT_MS && isSameDay;
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
 * @param told by the statement
 * @returns undefined where that did not tell, or a day or a month has begun since
 */
function toldStanding(
  told: Value | undefined,
  { before, acceptedAt }: StandingAsk,
): Budget | undefined {
  if (typeof told !== 'string') return undefined;
  // The statement above writes it.
  const [now, requests, running, dayTokens, monthTokens, monthCost, tokens, cost] = JSON.parse(
    told,
  ) as Told;
  const elapsedMs = now - acceptedAt;
  const states = statesAfter(before.budget, elapsedMs, ({ name }) => {
    switch (name) {
      case 'requests_per_minute':
        return [requests ?? 0, 0];
      case 'turns_at_once':
        return [running, 0];
      case 'tokens_per_day':
        return [dayTokens, tokens];
      case 'tokens_per_month':
        return [monthTokens, tokens];
      case 'cost_per_month':
        return [monthCost, cost];
      default:
        return undefined;
    }
  });
  const isOver = states.some(({ resetsInMs }) => resetsInMs !== null && resetsInMs <= 0);
  return isOver ? undefined : states;
}

/** Returns how the limits stand by what the turn was told when it began, and has used. */
function knownStanding(
  { before: { budget, granted, grantedCost } }: StandingAsk,
  { calls, durationMs }: EndedTurn,
): Budget {
  const reservedTokens = granted ? granted.input + granted.output : 0;
  let tokens = 0;
  let cost = 0;
  for (const { inputTokens, outputTokens, nanodollars } of calls) {
    tokens += inputTokens + outputTokens;
    cost += nanodollars ?? 0;
  }
  return statesAfter(budget, durationMs ?? 0, ({ name, used, reserved }) => {
    switch (name) {
      case 'requests_per_minute':
        return [used, 0];
      case 'turns_at_once':
        // A turn that got no reservation was not counted.
        return [granted ? used - 1 : used, 0];
      case 'tokens_per_day':
      case 'tokens_per_month':
        return [used + tokens, reserved - reservedTokens];
      case 'cost_per_month':
        return [used + cost, reserved - grantedCost];
      default:
        return undefined;
    }
  });
}

/**
 * Returns states as they are some time later.
 * @param useOf returns what is used and reserved; undefined for a limit on what is open or stored,
 *   for which nobody asks at the end
 */
function statesAfter(
  budget: Budget,
  elapsedMs: number,
  useOf: (state: LimitState) => readonly [used: number, reserved: number] | undefined,
): LimitState[] {
  const states: LimitState[] = [];
  for (const state of budget) {
    const use = useOf(state);
    if (!use) continue;
    const { name, of, limit, resetsInMs } = state;
    const [used, reserved] = use;
    // The last minute never ends.
    const isMoving = resetsInMs === null || name === 'requests_per_minute';
    const resets = isMoving ? resetsInMs : resetsInMs - elapsedMs;
    states.push({ name, of, limit, used, reserved, resetsInMs: resets });
  }
  return states;
}
