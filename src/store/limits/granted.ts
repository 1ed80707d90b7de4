/** Reads what a turn was granted by `grant.ts`. */
import type { LimitName, LimitState } from '../../core/limits.ts';
import { monthEnd } from '../../core/month.ts';
import { NONE } from './limits.ts';
import { grantedOf, type Reserved } from './reserved.ts';
import { DAY, MINUTE } from './usage-sums.ts';
import type { ReserveAsk } from './wanted.ts';

/**
 * The list that the statement writes: the limits, `NONE` for none; what was granted at which
 * prices; the time; and what was used before, which is null where no sums are kept.
 */
type Told = [
  requestsPerMinute: number,
  turnsAtOnce: number,
  streamsAtOnce: number,
  tokensPerDay: number,
  tokensPerMonth: number,
  costPerMonth: number,
  input: number,
  output: number,
  inputPrice: number | null,
  outputPrice: number | null,
  now: number,
  areSumsKept: 0 | 1,
  requests: number,
  running: number,
  dayTokens: number | null,
  monthTokens: number | null,
  monthCost: number | null,
  reservedTokens: number,
  reservedCost: number,
];

/**
 * Reads what a turn was granted.
 * @param told the column `budget` of its row
 */
export function grantedFrom(told: string, { least, streams }: ReserveAsk): Reserved {
  // The statement writes it.
  const [
    requestsPerMinute,
    turnsAtOnce,
    streamsAtOnce,
    tokensPerDay,
    tokensPerMonth,
    costPerMonth,
    input,
    output,
    inputPrice,
    outputPrice,
    now,
    areSumsKept,
    requests,
    running,
    dayTokens,
    monthTokens,
    monthCost,
    reservedTokens,
    reservedCost,
  ] = JSON.parse(told) as Told;
  const budget: LimitState[] = [];
  const add = (
    name: LimitName,
    limit: number,
    used: number | null,
    reserved: number,
    resetsInMs: number | null,
  ) => {
    if (limit === NONE || used === null) return;
    budget.push({ name, of: 'user', limit, used, reserved, resetsInMs });
  };
  const monthMs = monthEnd(now) - now;
  add('requests_per_minute', requestsPerMinute, requests, 0, MINUTE);
  add('turns_at_once', turnsAtOnce, running, 0, null);
  add('streams', streamsAtOnce, streams?.user ?? null, 0, null);
  add('tokens_per_day', tokensPerDay, dayTokens, reservedTokens, DAY - (now % DAY));
  add('tokens_per_month', tokensPerMonth, monthTokens, reservedTokens, monthMs);
  add('cost_per_month', costPerMonth, monthCost, reservedCost, monthMs);
  const before = { budget, areSumsKept: areSumsKept === 1, hasKeyLimits: false };
  const fewest = Math.min(output, least);
  return grantedOf([input, fewest, inputPrice, outputPrice], before, { input, output });
}
