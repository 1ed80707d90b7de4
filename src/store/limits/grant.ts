/**
 * Grants a turn all that it wants, in the statement that inserts it, where all limits leave that.
 * It is the short way for nearly every turn. A turn that gets nothing here asks again by
 * `reserve.ts`, which can also grant a part, knows the limits of keys, and tells what is missing.
 */
import type { Principal } from '../../core/principal.ts';
import { isOwned, ownerOf } from '../ownership.ts';
import { BUDGET_COLUMNS } from './budget.ts';
import { limitArgs, PARAMETER } from './limits.ts';
import { standingOf } from './standing.ts';
import {
  allowanceOf,
  NEXT_WANTED,
  storedTokens,
  WANTED,
  wantedArgs,
  type ReserveAsk,
} from './wanted.ts';

/** The model of the request, and the one for conversations that name none. */
const MODEL = { asked: `?${NEXT_WANTED}`, standard: `?${NEXT_WANTED + 1}` };

/** The user whose conversation it must be; null where the caller names nobody. */
const OWNER = `?${NEXT_WANTED + 2}`;
/** The conversation, the caller and the models of a claim. */
interface GrantAsk {
  conversationId: string;
  principal: Principal;
  model: string | null;
  defaultModel: string;
}

/** Returns the arguments of {@link FITTING}. */
export function grantArgs(
  { conversationId, principal, model, defaultModel }: GrantAsk,
  ask: ReserveAsk,
): (string | number | null)[] {
  return [
    ...limitArgs(conversationId, ask),
    ...wantedArgs(ask),
    model,
    defaultModel,
    ownerOf(principal),
  ];
}

const WISH = {
  prompt: `${WANTED.prompt} + ${storedTokens('limits')}`,
  allowance: allowanceOf(`coalesce(${MODEL.asked}, limits.model, ${MODEL.standard})`),
};

const leaves = (limit: string, used: string, reserved: string, wanted: string) =>
  `(b.${limit} IS NULL OR b.${limit} - b.${used} - b.${reserved} >= ${wanted})`;

/**
 * A WITH clause, whose last expression `fit` is what the turn gets: no row where it does not fit.
 * Its parameters have numbers, so they come before those of the statement. Of another user's
 * conversation no more is read than of an unknown one, so that both take as long.
 */
export const FITTING = `WITH ${standingOf(isOwned('c.user_id', OWNER), WISH)},
  fit AS (SELECT standing.*, allowance ->> 2 AS input_price, allowance ->> 3 AS output_price,
      min(coalesce(${WANTED.most}, allowance ->> 0), allowance ->> 1) AS answer
    FROM standing)`;

/** The condition that all of it fits, of a row `b` of `fit`. */
export const FITS = `(NOT b.is_limited OR ((b.requests_per_minute IS NULL OR b.requests_used < b.requests_per_minute)
    AND (b.turns_at_once IS NULL OR b.turns_running < b.turns_at_once)
    AND coalesce(b.streams_open < b.streams, 1)
    AND ${leaves('tokens_per_day', 'day_tokens', 'reserved_tokens', 'b.prompt + b.answer')}
    AND ${leaves('tokens_per_month', 'month_tokens', 'reserved_tokens', 'b.prompt + b.answer')}
    AND ${leaves('cost_per_month', 'month_cost', 'reserved_cost', 'b.prompt * b.input_price + b.answer * b.output_price')}))`;

/** The columns of a turn that say what it was granted: nothing for a user without limits. */
export const GRANTED = {
  key_id: PARAMETER.key,
  reserved_input: 'CASE WHEN b.is_limited THEN b.prompt END',
  reserved_output: 'CASE WHEN b.is_limited THEN b.answer END',
  input_price: 'coalesce(b.input_price, 0)',
  output_price: 'coalesce(b.output_price, 0)',
  budget: `CASE WHEN b.is_limited THEN json_array(json_array(b.prompt, min(b.answer, ${WANTED.least}), b.input_price, b.output_price),
      json_array(json_array(${BUDGET_COLUMNS}))) END`,
} as const;

/** Columns of a turn `mine` that say what it was granted, for `reservedFrom`. */
export const TOLD = `coalesce(mine.budget, '[[0,0,null,null],[]]') AS budget, mine.reserved_input, mine.reserved_output`;
