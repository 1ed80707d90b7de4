/** The condition that a row is the caller's. Every statement that serves a request uses it. */
import type { Principal } from '../core/principal.ts';

/**
 * Returns the condition, for a column that holds the owner's user id. It takes the two arguments of
 * {@link ownerArgs}: one text for all principals, so that prepared statements are found again.
 */
export function isOwned(column: string): string {
  return `(? IS NULL OR ${column} = ?)`;
}

/** Returns the arguments of {@link isOwned}. */
export function ownerArgs(principal: Principal): [string | null, string | null] {
  // A known user is always compared; only a caller that names nobody passes by the id alone.
  const userId = principal.kind === 'user' ? principal.userId : (principal.userId ?? null);
  return [userId, userId];
}
