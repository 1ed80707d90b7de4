import { invalid } from './errors.ts';

/**
 * Who is calling. Without identity (`AUTH=none`) anybody may call: the request may then name a user, who
 * must be the owner of what it asks for; where it names none, the unguessable id of a thing suffices.
 */
export type Principal = { kind: 'user'; userId: string } | { kind: 'anyone'; userId?: string };

/** Returns the id of the user that the principal acts for; undefined where none is named. */
export function userIdOf(principal: Principal): string | undefined {
  return principal.userId;
}

/** Our own code, which looks at what a caller was let in to before. */
export const ANYONE: Principal = { kind: 'anyone' };

/** @throws ParleyError `invalid_request` where something is made or listed for nobody */
export function requireUserId(principal: Principal): string {
  const userId = userIdOf(principal);
  if (userId === undefined || userId === '')
    throw invalid('user_id', 'user_id is required, in the body or the query');
  return userId;
}
