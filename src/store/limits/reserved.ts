/** Reads the results of reservations. */
import type { Budget } from '../../core/limits.ts';
import type { ResultSet } from '../database.ts';
import { number, optionalNumber, text } from '../rows.ts';
import { budgetFrom, type BudgetRow, type StoredBudget } from './budget.ts';

/** The result of a reservation. */
export interface Reserved extends StoredBudget {
  /** Tokens; undefined when there was no room. */
  granted: { input: number; output: number } | undefined;
  /** The cost of that in billionths of a dollar; 0 when there was no room. */
  grantedCost: number;
  /** The least that the turn would have needed. */
  need: { tokens: number; nanodollars: number };
  /** True when a token of input costs no more than one of output, and may be used instead. */
  mayShift: boolean;
  /** True when the costs are limited and the model has no price. */
  isUnpriced: boolean;
}

/** Tokens of the prompt and the fewest of an answer, and the prices of a token of each. */
type Need = [prompt: number, least: number, input: number | null, output: number | null];

/** The reservation in the row of a turn. */
export interface StoredReservation {
  need: Need;
  rows: readonly BudgetRow[];
  reservation: { input: number; output: number } | undefined;
}

/** Reads what the statement told; undefined when the turn is not there. */
export function storedIn(set: ResultSet | undefined): StoredReservation | undefined {
  const row = set?.rows[0];
  if (!row) return undefined;
  const [need, rows] = JSON.parse(text(row['budget'])) as [Need, BudgetRow[]];
  const input = optionalNumber(row['reserved_input']);
  const reservation =
    input === null ? undefined : { input, output: number(row['reserved_output']) };
  return { need, rows, reservation };
}

/** Reads the result of `reserve`; undefined when the turn was not inserted. */
export function reservedFrom(set: ResultSet | undefined): Reserved | undefined {
  const stored = storedIn(set);
  if (!stored) return undefined;
  const { reservation, need, rows } = stored;
  const before = budgetFrom(rows);
  return reservation ? grantedOf(need, before, reservation) : askedOf(need, before);
}

/**
 * Returns the result of a turn that was granted something.
 * @param before the limits as they were read before the turn had its part of them, which is added
 */
export function grantedOf(
  need: Need,
  before: StoredBudget,
  granted: { input: number; output: number },
): Reserved {
  const [, , inputPrice, outputPrice] = need;
  const cost = granted.input * (inputPrice ?? 0) + granted.output * (outputPrice ?? 0);
  for (const state of before.budget) addOwn(state, granted.input + granted.output, cost);
  return reservedOf(need, before, { granted, cost });
}

/** Returns the result without what was granted. */
export function askedOf(need: Need, stored: StoredBudget): Reserved {
  return reservedOf(need, stored, { granted: undefined, cost: 0 });
}

function reservedOf(
  [prompt, least, inputPrice, ofOutput]: Need,
  { budget, areSumsKept, hasKeyLimits }: StoredBudget,
  { granted, cost }: { granted: Reserved['granted']; cost: number },
): Reserved {
  const outputPrice = ofOutput ?? 0;
  return {
    budget,
    areSumsKept,
    hasKeyLimits,
    granted,
    grantedCost: cost,
    need: { tokens: prompt + least, nanodollars: prompt * (inputPrice ?? 0) + least * outputPrice },
    mayShift: (inputPrice ?? 0) <= outputPrice,
    isUnpriced: inputPrice === null && budget.some(({ name }) => name === 'cost_per_month'),
  };
}

function addOwn(state: Budget[number], tokens: number, cost: number): void {
  switch (state.name) {
    case 'requests_per_minute':
    case 'turns_at_once':
      state.used += 1;
      break;
    case 'tokens_per_day':
    case 'tokens_per_month':
      state.reserved += tokens;
      break;
    case 'cost_per_month':
      state.reserved += cost;
      break;
    default:
  }
}
