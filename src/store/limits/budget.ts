/**
 * Reads the state of limits, as SQL: the limits that hold for a user and for the key that is used,
 * what of them was used, and what running turns have reserved. A turn whose lease has run out
 * counts with what it is known to have used, which is what is written to the ledger when it is
 * ended.
 */
import {
  LIMIT_NAMES,
  type Budget,
  type LimitName,
  type LimitOwner,
  type LimitState,
} from '../../core/limits.ts';
import type { Database, Statement, Value } from '../database.ts';
import { number, optionalNumber } from '../rows.ts';
import { limitArgs, limitsOf, NEXT_PARAMETER, PARAMETER, type LimitsAsk } from './limits.ts';
import { sumsOfRunning } from './running.ts';
import { SUM_OF_BYTES } from './stored-bytes.ts';
import {
  CLOCK,
  either,
  IS_KEPT,
  JOIN_SUMS,
  MINUTE,
  RECENT_REQUESTS,
  running,
  usedSince,
  type By,
} from './usage-sums.ts';

export interface UserBudgetAsk extends LimitsAsk {
  userId: string;
  /** True where it is asked for what is stored in files, of which no turn wants to know. */
  stored?: true;
}

/** True for a running turn `r` whose process may still run it. */
const IS_ALIVE = `r.heartbeat_at > clock.now - ${PARAMETER.leaseMs}`;
const SUMS = sumsOfRunning(IS_ALIVE);
/** Returns a SELECT of one of the sums over running turns. */
const sumOf = (sum: keyof typeof SUMS) => (by: By) => `SELECT ${SUMS[sum]} FROM ${running(by)}`;

/** Reads what one limit alone needs only where that limit is set. */
const where = (limits: readonly LimitName[], value: string) =>
  `CASE WHEN ${limits.map((name) => `limits.${name} IS NOT NULL`).join(' OR ')} THEN ${value} ELSE 0 END`;

const STORED = `CASE WHEN ?${NEXT_PARAMETER} AND limits.key_id = '' AND limits.stored_bytes IS NOT NULL
  THEN (${SUM_OF_BYTES} limits.user_id) END`;

/**
 * Returns the expressions for a WITH clause, whose last is `budget`: a row for the user, and one
 * for the key where something was set for it.
 * @param who selects the user as `user_id`
 * @param stored the expression of the bytes of the user's files; null where nobody asks for them
 */
export function budgetOf(who: string, stored = 'NULL'): string {
  return `${CLOCK},
  limits AS (${limitsOf(who)}),
  budget AS (SELECT limits.*,
      ${where(['requests_per_minute'], RECENT_REQUESTS)} AS requests_used,
      ${where(['turns_at_once'], either(sumOf('alive')))} AS turns_running,
      ${where(['tokens_per_day'], usedSince('day_tokens'))} AS day_tokens,
      ${where(['tokens_per_month'], usedSince('month_tokens'))} AS month_tokens,
      ${where(['cost_per_month'], usedSince('month_cost'))} AS month_cost,
      ${where(['tokens_per_day', 'tokens_per_month'], either(sumOf('tokens')))} AS reserved_tokens,
      ${where(['cost_per_month'], either(sumOf('cost')))} AS reserved_cost,
      ${stored} AS stored_used, ${IS_KEPT} AS is_kept,
      clock.next_day - clock.now AS day_left, clock.next_month - clock.now AS month_left
    FROM limits JOIN clock ${JOIN_SUMS})`;
}

/** The columns of a row of `budget`, in the order in which they are read. */
const COLUMNS = [
  ...LIMIT_NAMES,
  'key_id',
  'streams_open',
  'stored_used',
  'requests_used',
  'turns_running',
  'day_tokens',
  'month_tokens',
  'month_cost',
  'reserved_tokens',
  'reserved_cost',
  'day_left',
  'month_left',
  'is_kept',
] as const;
type Column = (typeof COLUMNS)[number];
const PLACES = new Map(COLUMNS.map((name, at) => [name, at]));

/** The columns that {@link budgetFrom} reads, of a row `b` of `budget`. */
export const BUDGET_COLUMNS = COLUMNS.map((name) => `b.${name}`).join(', ');

/** A row of `budget`, as a list. */
export type BudgetRow = readonly Value[];

/** The state of the limits that are set, as it was read. */
export interface StoredBudget {
  budget: Budget;
  /** True where what was used is in sums that are kept, and was not summed up from the ledger. */
  areSumsKept: boolean;
  /** True where the key has limits of its own. */
  hasKeyLimits: boolean;
}

/** Returns how the limits stand that are set. */
export function budgetFrom(rows: readonly BudgetRow[]): StoredBudget {
  const areSumsKept = rows.every((row) => valueOf(row, 'is_kept'));
  const hasKeyLimits = rows.some((row) => valueOf(row, 'key_id') !== '');
  return { budget: rows.flatMap(statesFrom), areSumsKept, hasKeyLimits };
}

function valueOf(row: BudgetRow, column: Column): Value | undefined {
  return row[PLACES.get(column) ?? -1];
}

function statesFrom(row: BudgetRow): LimitState[] {
  const of: LimitOwner = valueOf(row, 'key_id') === '' ? 'user' : 'key';
  return LIMIT_NAMES.flatMap((name) => {
    const limit = optionalNumber(valueOf(row, name));
    const use = limit === null ? undefined : useOf(name, row);
    return limit === null || !use ? [] : [{ name, of, limit, ...use }];
  });
}

/** Returns how much of a limit is used; undefined for what was not asked for. */
function useOf(
  name: LimitName,
  row: BudgetRow,
): Pick<LimitState, 'used' | 'reserved' | 'resetsInMs'> | undefined {
  const of = (column: Column) => number(valueOf(row, column));
  const open = (used: number | null) =>
    used === null ? undefined : { used, reserved: 0, resetsInMs: null };
  switch (name) {
    case 'requests_per_minute':
      return { used: of('requests_used'), reserved: 0, resetsInMs: MINUTE };
    case 'turns_at_once':
      return open(of('turns_running'));
    case 'streams':
      return open(optionalNumber(valueOf(row, 'streams_open')));
    case 'tokens_per_day':
      return spent(of('day_tokens'), of('reserved_tokens'), of('day_left'));
    case 'tokens_per_month':
      return spent(of('month_tokens'), of('reserved_tokens'), of('month_left'));
    case 'cost_per_month':
      return spent(of('month_cost'), of('reserved_cost'), of('month_left'));
    case 'stored_bytes':
      return open(optionalNumber(valueOf(row, 'stored_used')));
  }
}

function spent(used: number, reserved: number, resetsInMs: number) {
  return { used, reserved, resetsInMs };
}

const SELECT_BUDGET = `WITH ${budgetOf(`SELECT ${PARAMETER.user} AS user_id`, STORED)} SELECT ${BUDGET_COLUMNS} FROM budget b`;

/** Returns the statement that reads how limits stand, for {@link budgetFrom}. */
export function selectBudget(ask: UserBudgetAsk): Statement {
  return { sql: SELECT_BUDGET, args: [...limitArgs(ask.userId, ask), ask.stored ? 1 : 0] };
}

/** Reads how limits stand. */
export async function readBudget(db: Database, ask: UserBudgetAsk): Promise<Budget> {
  const [result] = await db.batch([selectBudget(ask)], 'read');
  return budgetFrom(result?.values ?? []).budget;
}
