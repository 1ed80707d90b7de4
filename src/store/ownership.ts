/** The condition that a row is the caller's. Every statement that serves a request uses it. */
import { eq, isNull, or, type Column, type Placeholder, type SQL } from 'drizzle-orm';
import type { Principal } from '../core/principal.ts';

/**
 * Returns the condition that a row is the caller's.
 * @param column holds the owner's user id
 * @param owner what {@link ownerOf} returns, or its placeholder
 */
export function ownedBy(column: Column, owner: string | null | Placeholder): SQL | undefined {
  if (owner === null) return undefined;
  if (typeof owner === 'string') return eq(column, owner);
  return or(isNull(owner), eq(column, owner));
}

/** Returns the user whose rows a caller may see; null for a caller that names nobody. */
export function ownerOf(principal: Principal): string | null {
  // A known user is always compared; only a caller that names nobody passes by the id alone.
  return principal.kind === 'user' ? principal.userId : (principal.userId ?? null);
}

/**
 * Returns the same condition for SQL that is written by hand: one text for all principals, so that
 * prepared statements are found again.
 * @param owner a numbered parameter; where it is left out, the two arguments of {@link ownerArgs}
 */
export function isOwned(column: string, owner = '?'): string {
  return `(${owner} IS NULL OR ${column} = ${owner})`;
}

/** Returns the arguments of {@link isOwned}. */
export function ownerArgs(principal: Principal): [string | null, string | null] {
  const owner = ownerOf(principal);
  return [owner, owner];
}
