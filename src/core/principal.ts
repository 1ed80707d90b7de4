import { invalid } from './errors.ts';

/**
 * The caller of a request. Without identity (`AUTH=none`) anybody may call. A request that names a
 * user sees only what that user owns; for one that names none, knowing an unguessable id suffices.
 */
export type Principal = { kind: 'user'; userId: string } | { kind: 'anyone'; userId?: string };

/**
 * Returns the id of the user that the principal acts for; undefined when the request names none.
 */
export function userIdOf(principal: Principal): string | undefined {
  return principal.userId;
}

/** The principal of our own code, for data whose owner has been checked before. */
export const ANYONE: Principal = { kind: 'anyone' };

/**
 * Returns the id of the user that something is made or listed for.
 * @throws ParleyError `invalid_request` when the request names no user
 */
export function requireUserId(principal: Principal): string {
  const userId = userIdOf(principal);
  if (userId === undefined || userId === '')
    throw invalid('user_id', 'user_id is required, in the body or the query');
  return userId;
}
