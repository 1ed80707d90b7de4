/**
 * Shows limits: as the fields `RateLimit-Policy` and `RateLimit` of
 * draft-ietf-httpapi-ratelimit-headers-11, as those that clients of OpenAI's API look for besides,
 * and as JSON.
 */
import { NANODOLLARS } from '../core/ledger.ts';
import {
  leftOf,
  policyName,
  type Budget,
  type LimitName,
  type LimitState,
} from '../core/limits.ts';
import { monthEnd } from '../core/month.ts';

const DAY_S = 86_400;

/** The window of a limit in seconds, and its unit: none means requests. */
const POLICIES: Record<LimitName, { windowS?: number | 'month'; unit?: string }> = {
  requests_per_minute: { windowS: 60 },
  turns_at_once: { unit: 'concurrent-requests' },
  streams: { unit: 'concurrent-requests' },
  tokens_per_day: { windowS: DAY_S, unit: 'parley-tokens' },
  tokens_per_month: { windowS: 'month', unit: 'parley-tokens' },
  stored_bytes: { unit: 'content-bytes' },
  // Quotas are whole numbers, so costs are in millionths of a dollar.
  cost_per_month: { windowS: 'month', unit: 'parley-microdollars' },
};

const FIELDS = {
  requests: {
    limit: 'x-ratelimit-limit-requests',
    remaining: 'x-ratelimit-remaining-requests',
    reset: 'x-ratelimit-reset-requests',
  },
  tokens: {
    limit: 'x-ratelimit-limit-tokens',
    remaining: 'x-ratelimit-remaining-tokens',
    reset: 'x-ratelimit-reset-tokens',
  },
} as const;

/** The fields that clients of OpenAI's API look for. */
export const OPENAI_LIMIT_FIELDS: readonly string[] = Object.values(FIELDS).flatMap(Object.values);

/** Returns the fields; none where no limit is set. */
export function limitHeaders(budget: Budget | undefined): Record<string, string> {
  if (!budget || budget.length === 0) return {};
  return { 'RateLimit-Policy': policyOf(budget), RateLimit: budget.map(stateOf).join(', ') };
}

/** Returns the fields that clients of OpenAI's API look for. */
export function openAiLimitHeaders(budget: Budget = []): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const what of ['requests', 'tokens'] as const) {
    const least = leastOf(budget, what);
    if (!least) continue;
    const { limit, remaining, reset } = FIELDS[what];
    headers[limit] = `${least.limit}`;
    headers[remaining] = `${leftOf(least)}`;
    headers[reset] = `${Math.ceil((least.resetsInMs ?? 0) / 1000)}s`;
  }
  return headers;
}

/** Returns the limit of what OpenAI's fields tell that leaves the least. */
function leastOf(budget: Budget, what: keyof typeof FIELDS): LimitState | undefined {
  let least: LimitState | undefined;
  for (const state of budget)
    if (isOf(what, state.name) && (!least || leftOf(state) < leftOf(least))) least = state;
  return least;
}

function isOf(what: keyof typeof FIELDS, name: LimitName): boolean {
  if (what === 'requests') return name === 'requests_per_minute';
  return name === 'tokens_per_day' || name === 'tokens_per_month';
}

/** The policy that was told last: most callers have the same limits, and a month is long. */
let told: { budget: Budget; endsAt: number; policy: string } = {
  budget: [],
  endsAt: 0,
  policy: '',
};

function policyOf(budget: Budget): string {
  const now = Date.now();
  if (now >= told.endsAt || !hasSameLimits(budget, told.budget)) {
    const endsAt = monthEnd(now);
    const monthS = new Date(endsAt - 1).getUTCDate() * DAY_S;
    const policy = budget.map((state) => policyOfLimit(state, monthS)).join(', ');
    told = { budget, endsAt, policy };
  }
  return told.policy;
}

function hasSameLimits(some: Budget, others: Budget): boolean {
  if (some.length !== others.length) return false;
  for (const [at, { name, of, limit }] of some.entries()) {
    const other = others[at];
    if (limit !== other?.limit || name !== other.name || of !== other.of) return false;
  }
  return true;
}

function policyOfLimit(state: LimitState, monthS: number): string {
  const { name, limit } = state;
  const { windowS, unit } = POLICIES[name];
  const counted = unit === undefined ? '' : `;qu="${unit}"`;
  const window = windowS === undefined ? '' : `;w=${windowS === 'month' ? monthS : windowS}`;
  return `"${policyName(state)}";q=${whole(name, limit)}${counted}${window}`;
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
