/** Limits: what a user may use, and how much of it is left. */
import { ParleyError } from './errors.ts';

/** The limits, in the order in which a request meets them. */
export const LIMIT_NAMES = [
  'requests_per_minute',
  'turns_at_once',
  'streams',
  'tokens_per_day',
  'tokens_per_month',
  'cost_per_month',
  'stored_bytes',
] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** The limits that a turn can meet. */
export const LIMITS_OF_TURNS = LIMIT_NAMES.filter((name) => name !== 'stored_bytes');

/** The limits of a user; null for none. Costs are in billionths of a US dollar. */
export type Limits = Readonly<Record<LimitName, number | null>>;

export const NO_LIMITS: Limits = {
  requests_per_minute: null,
  turns_at_once: null,
  streams: null,
  tokens_per_day: null,
  tokens_per_month: null,
  cost_per_month: null,
  stored_bytes: null,
};

/** The owner of a limit: it counts all that the user does, or what one key does alone. */
export type LimitOwner = 'user' | 'key';

/** Open streams of turns, as the process that opens one more has counted them. */
export type OpenStreams = Readonly<Record<LimitOwner, number>>;

/** One limit of a user or of the caller's key, and how it stands. */
export interface LimitState {
  name: LimitName;
  of: LimitOwner;
  limit: number;
  /** The amount that was used; `reserved` is what running turns may still use. */
  used: number;
  reserved: number;
  /** Milliseconds until what was used counts no more; null for limits on what is open at once. */
  resetsInMs: number | null;
}

/** The state of all limits that hold for a caller. */
export type Budget = readonly LimitState[];

/** Returns what is left of a limit. */
export function leftOf({ limit, used, reserved }: LimitState): number {
  return Math.max(0, limit - used - reserved);
}

/** Returns the name by which clients are told of a limit, which no other limit of theirs has. */
export function policyName({ name, of }: Pick<LimitState, 'name' | 'of'>): string {
  return of === 'key' ? `key_${name}` : name;
}

/** The least that a turn or a file would use. */
export interface Need {
  tokens: number;
  nanodollars: number;
  bytes?: number;
}

/** After how many seconds to try again where running turns are in the way. */
const BUSY_RETRY_S = 1;
/**
 * The most by which a wait for a new day, month or minute is made longer, by chance: as a share of
 * it, and in milliseconds. Else all who were refused would come back in the same second.
 */
const SPREAD = 0.05;
const MOST_SPREAD_MS = 30_000;

/**
 * Returns the refusal of a request that does not fit what is left; undefined where it fits.
 * `quota_exceeded` says that waiting for running turns would not help.
 */
export function refusalOf(budget: Budget, need: Need): ParleyError | undefined {
  const violated = budget.filter((state) => leftOf(state) < needOf(state.name, need));
  if (violated.length === 0) return undefined;
  const spent = violated.filter(
    ({ name, limit, used, resetsInMs }) => resetsInMs !== null && limit - used < needOf(name, need),
  );
  const isFull = violated.some(({ name }) => name === 'stored_bytes');
  const isQuota = isFull || spent.some(({ name }) => name !== 'requests_per_minute');
  const resetMs = Math.max(0, ...spent.map(({ resetsInMs }) => resetsInMs ?? 0));
  const spreadMs = Math.random() * Math.min(resetMs * SPREAD, MOST_SPREAD_MS);
  const waitMs = Math.max(BUSY_RETRY_S * 1000, resetMs + spreadMs);
  return new ParleyError({
    code: isQuota ? 'quota_exceeded' : 'rate_limited',
    detail: detailOf(violated, isQuota),
    // Room for files comes by deleting some, and not by waiting.
    ...(isFull ? {} : { retryAfter: Math.ceil(waitMs / 1000) }),
    limits: budget,
    violated: violated.map(policyName),
  });
}

function needOf(name: LimitName, { tokens, nanodollars, bytes = 0 }: Need): number {
  if (name === 'stored_bytes') return bytes;
  if (name === 'cost_per_month') return nanodollars;
  return name === 'tokens_per_day' || name === 'tokens_per_month' ? tokens : 1;
}

function detailOf(violated: Budget, isQuota: boolean): string {
  const names = violated.map(policyName).join(', ');
  return isQuota ? `Used up: ${names}` : `Too much at once: ${names}`;
}
