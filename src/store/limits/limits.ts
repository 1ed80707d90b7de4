/**
 * The limits that hold for a user and for the key that is used, as SQL. What was set for a user
 * counts all that the user does. What was set for a key counts what is done by that key, and stands
 * in for the default of its user.
 */
import { LIMIT_NAMES, type LimitName, type Limits, type OpenStreams } from '../../core/limits.ts';

/** A question for limits. */
export interface LimitsAsk {
  /** The limits of users who have none of their own. */
  defaults: Limits;
  leaseMs: number;
  /** The public id of the key that is used; null where there is none. */
  keyId: string | null;
  /** The streams that are open; left out where no stream is asked for. */
  streams?: OpenStreams | undefined;
}

/** The stored value of "no limit": a value that is null is the default. */
export const NONE = -1;

/** The arguments of {@link limitsOf}, the user's id first: the parameters from ?1 on. */
export type LimitArgs = readonly (string | number | null)[];

/** Parameters that many expressions of a statement share, by their numbers. */
export const PARAMETER = { user: '?1', key: '?2', leaseMs: '?3' } as const;
/** The parameters of the streams that are open. */
export const STREAMS = { user: '?4', key: '?5' } as const;
const FIRST_DEFAULT = 6;
/** The number of the first parameter after those of {@link limitArgs}. */
export const NEXT_PARAMETER = FIRST_DEFAULT + LIMIT_NAMES.length;

/** Returns the arguments of statements with {@link limitsOf}. @param of the user or the turn */
export function limitArgs(
  of: string,
  { defaults, leaseMs, keyId, streams }: LimitsAsk,
): (string | number | null)[] {
  const limits = LIMIT_NAMES.map((name) => defaults[name]);
  return [of, keyId, leaseMs, streams?.user ?? null, streams?.key ?? null, ...limits];
}

const ofUser = (name: LimitName, at: number) =>
  `CASE WHEN u.${name} > ${NONE} THEN u.${name}
    WHEN u.${name} IS NULL AND k.${name} IS NULL THEN ?${FIRST_DEFAULT + at} END AS ${name}`;
const ofKey = (name: LimitName) => `CASE WHEN k.${name} > ${NONE} THEN k.${name} END`;

/**
 * Returns a SELECT of the limits of the user, and of those of the key where something was set for
 * it: `key_id` is empty for the user's own.
 * @param who selects the user as `user_id`
 */
export function limitsOf(who: string): string {
  return `SELECT who.user_id, '' AS key_id, ${STREAMS.user} AS streams_open, ${LIMIT_NAMES.map(ofUser).join(', ')}
    FROM (${who}) AS who LEFT JOIN user_limits u ON u.user_id = who.user_id LEFT JOIN key_limits k ON k.key_id = ${PARAMETER.key}
  UNION ALL SELECT k.user_id, k.key_id, ${STREAMS.key}, ${LIMIT_NAMES.map(ofKey).join(', ')}
    FROM key_limits k WHERE k.key_id = ${PARAMETER.key}`;
}
