/**
 * Shows limits: as the fields `RateLimit-Policy` and `RateLimit` of
 * draft-ietf-httpapi-ratelimit-headers-11, as those that clients of OpenAI's API look for, and as
 * JSON.
 */
import { NANODOLLARS } from '../core/ledger.ts';
import {
  leftOf,
  policyName,
  type Budget,
  type LimitName,
  type LimitState,
} from '../core/limits.ts';

const DAY_S = 86_400;

/** Seconds of a limit's window, and its unit: none means requests. */
const POLICIES: Record<LimitName, { windowS?: () => number; unit?: string }> = {
  requests_per_minute: { windowS: () => 60 },
  turns_at_once: { unit: 'concurrent-requests' },
  streams: { unit: 'concurrent-requests' },
  tokens_per_day: { windowS: () => DAY_S, unit: 'parley-tokens' },
  tokens_per_month: { windowS: monthS, unit: 'parley-tokens' },
  stored_bytes: { unit: 'content-bytes' },
  // Quotas are whole numbers, so costs are in millionths of a dollar.
  cost_per_month: { windowS: monthS, unit: 'parley-microdollars' },
};

function monthS(): number {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 0)).getUTCDate() * DAY_S;
}

/** Returns the fields; none where no limit is set. */
export function limitHeaders(budget: Budget | undefined): Record<string, string> {
  if (!budget || budget.length === 0) return {};
  return {
    'RateLimit-Policy': budget.map(policyOf).join(', '),
    RateLimit: budget.map(stateOf).join(', '),
    ...openAiFields('requests', budget, isOfRequests),
    ...openAiFields('tokens', budget, isOfTokens),
  };
}

function isOfRequests(name: LimitName): boolean {
  return name === 'requests_per_minute';
}

function isOfTokens(name: LimitName): boolean {
  return name === 'tokens_per_day' || name === 'tokens_per_month';
}

/** Returns the fields of the limit that leaves the least, as OpenAI names them. */
function openAiFields(
  what: 'requests' | 'tokens',
  budget: Budget,
  isMeant: (name: LimitName) => boolean,
): Record<string, string> | undefined {
  let least: LimitState | undefined;
  for (const state of budget)
    if (isMeant(state.name) && (!least || leftOf(state) < leftOf(least))) least = state;
  if (!least) return undefined;
  return {
    [`x-ratelimit-limit-${what}`]: `${least.limit}`,
    [`x-ratelimit-remaining-${what}`]: `${leftOf(least)}`,
    [`x-ratelimit-reset-${what}`]: `${Math.ceil((least.resetsInMs ?? 0) / 1000)}s`,
  };
}

function policyOf({ name, of, limit }: LimitState): string {
  const { windowS, unit } = POLICIES[name];
  const counted = unit === undefined ? '' : `;qu="${unit}"`;
  const window = windowS ? `;w=${windowS()}` : '';
  return `"${policyName({ name, of })}";q=${whole(name, limit)}${counted}${window}`;
}

function stateOf(state: LimitState): string {
  const { name, resetsInMs } = state;
  const rest = resetsInMs === null ? '' : `;t=${Math.ceil(resetsInMs / 1000)}`;
  return `"${policyName(state)}";r=${whole(name, leftOf(state))}${rest}`;
}

function whole(name: LimitName, value: number): number {
  return Math.floor(name === 'cost_per_month' ? value / 1000 : value);
}

/** Returns the limits as JSON; costs are in US dollars. */
export function limitsView(budget: Budget) {
  return budget.map((state) => {
    const { name, of, resetsInMs } = state;
    const shown = (value: number) => (name === 'cost_per_month' ? value / NANODOLLARS : value);
    return {
      name,
      of,
      limit: shown(state.limit),
      used: shown(state.used),
      reserved: shown(state.reserved),
      remaining: shown(leftOf(state)),
      ...(resetsInMs === null ? {} : { resets_in: Math.ceil(resetsInMs / 1000) }),
    };
  });
}
