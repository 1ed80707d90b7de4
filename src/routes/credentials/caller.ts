import type { Identity } from '../../auth/identity.ts';
import { ParleyError } from '../../core/errors.ts';
import type { IdentifiedUser } from '../../core/principal.ts';
import type { AppContext } from '../shared/dependencies.ts';

/**
 * Returns the caller of a route that gives out credentials. Without identity nobody is known, and
 * whoever came first could give itself any scope.
 * @throws ParleyError `forbidden` when `AUTH` does not allow it
 */
export function requireCaller(
  c: AppContext,
  isOn: (identity: Identity) => boolean = () => true,
): IdentifiedUser {
  const { identity } = c.get('dependencies');
  const caller = c.get('caller');
  if (caller && identity && isOn(identity)) return caller;
  throw new ParleyError({
    code: 'forbidden',
    detail: 'The server does not use such credentials; the operator sets AUTH',
  });
}

/** Returns the caller as the user that it acts for, whom an admin may have named. */
export function actingCaller(c: AppContext): IdentifiedUser {
  const { userId } = c.get('principal');
  const caller = requireCaller(c);
  return userId === undefined || userId === caller.userId
    ? caller
    : { ...caller, userId, scopes: [] };
}
