/** Reads what a turn was granted by `grant.ts`. */
import type { LimitName, LimitState } from '../../core/limits.ts';
import { monthEnd } from '../../core/month.ts';
import { NONE } from './limits.ts';
import { askedOf, grantedOf, type Reserved } from './reserved.ts';
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
  day: number | null,
  requestsSince: number | null,
  requests: number,
  running: number,
  dayTokens: number | null,
  monthTokens: number | null,
  monthCost: number | null,
  reservedTokens: number,
  reservedCost: number,
];

/** The reservation of a turn whose user has no limits. */
const UNLIMITED = askedOf([0, 0, null, null], {
  budget: [],
  areSumsKept: false,
  hasKeyLimits: false,
});

/**
 * Reads what a turn was granted.
 * @param told the column `budget` of its row; null where its user has no limits
 */
export function grantedFrom(told: string | null, { least, streams }: ReserveAsk): Reserved {
  if (told === null) return UNLIMITED;
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
    day,
    requestsSince,
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
  const areRequestsCounted =
    requestsPerMinute === NONE || (requestsSince !== null && requestsSince < now - MINUTE);
  const areSumsKept = day === now - (now % DAY) && areRequestsCounted;
  const before = { budget, areSumsKept, hasKeyLimits: false };
  const fewest = Math.min(output, least);
  return grantedOf([input, fewest, inputPrice, outputPrice], before, { input, output });
}
