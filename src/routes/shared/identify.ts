/** Finds out who is calling, and for whom. Without identity, the body or the query says so. */
import { HTTPException } from 'hono/http-exception';
import { presentedCredential } from '../../auth/presented.ts';
import { notFound, unauthenticated } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import type { IdentifiedUser, Principal } from '../../core/principal.ts';
import { hasScope, requireUserId } from '../../core/principal.ts';
import { ConfirmingDatabase } from '../../store/credentials/confirm.ts';
import { confirmNow } from '../../store/credentials/tickets.ts';
import type { AppContext } from './dependencies.ts';
import { enterTenant } from './enter-tenant.ts';
import { invalidInput } from './invalid-input.ts';
import type { RouteTraits } from './prepare-request.ts';
import { hasBody, isJson, readText } from './request-body.ts';
import { ownerQuery } from './schemas.ts';

/**
 * Serves a request of a caller who has to be known. The database confirms the credential with the
 * first batch that the request makes. What is answered without one is confirmed before it leaves,
 * so that a credential that does not hold gets the same answer whatever it asks.
 * @throws ParleyError `unauthenticated`
 */
export async function identifiedRequest(
  c: AppContext,
  traits: RouteTraits,
  serve: () => Promise<unknown>,
): Promise<void> {
  const caller = await establish(c, traits);
  if (c.get('dependencies').tenants) await enterTenant(c, caller);
  c.set('caller', caller);
  const confirm = confirmationOf(c, caller);
  if (traits.confirmsFirst) await confirm();
  try {
    await serve();
  } finally {
    // A turn was claimed or read, and the credential confirmed by that. What was confirmed first
    // is not asked for again, since a socket that is open cannot fail any more.
    if (!c.get('turn') && !traits.confirmsFirst) await confirm();
  }
}

function establish(c: AppContext, traits: RouteTraits): IdentifiedUser | Promise<IdentifiedUser> {
  const { identity } = c.get('dependencies');
  const ticket = traits.takesTicket && c.req.method === 'GET' ? c.req.query('ticket') : undefined;
  const { headers } = c.req.raw;
  const presented = presentedCredential({ headers, ticket, withoutCookie: traits.beginsSession });
  if (!identity) throw unauthenticated();
  return identity.establish(presented);
}

/** Lets the database confirm the caller, and returns what makes sure that it has. */
function confirmationOf(c: AppContext, { proof }: IdentifiedUser): () => Promise<void> {
  if (!proof) return () => Promise.resolve();
  const dependencies = c.get('dependencies');
  if (proof.kind === 'ticket') return () => confirmNow(dependencies.db, proof);
  const db = new ConfirmingDatabase(dependencies.db, proof);
  c.set('dependencies', { ...dependencies, db });
  return () => db.confirm();
}

/**
 * Returns the caller. A request that names two different users is about another user's things for
 * one of them, so it finds nothing.
 */
export async function authenticate(c: AppContext): Promise<Principal> {
  const said: unknown[] = [...(c.req.queries('user_id') ?? []), await userInBody(c)];
  const named = said.filter((name) => name !== undefined).map(nameOf);
  if (new Set(named).size > 1) throw notFound('User');
  c.set('namedUser', named[0]);
  const caller = c.get('caller');
  return caller ? actFor(caller, named[0]) : { kind: 'anyone', userId: named[0] };
}

/** Returns the caller as one who acts for a user: for itself, or for anybody as an admin. */
function actFor(caller: IdentifiedUser, named: string | undefined): Principal {
  if (named === undefined || named === caller.userId) return caller;
  if (hasScope(caller, 'admin')) return { ...caller, userId: named };
  throw notFound('User');
}

/** Checks the name here for every route, since some have no schema for the place of the name. */
function nameOf(name: unknown): string | undefined {
  const parsed = ownerQuery.safeParse({ user_id: name });
  if (parsed.success) return parsed.data.user_id;
  throw invalidInput(parsed.error);
}

/** Reads the user from the body, whatever its type: ignoring a name there would let anybody in. */
async function userInBody(c: AppContext): Promise<unknown> {
  if (!hasBody(c.req.raw) || /^multipart\//i.test(c.req.header('content-type') ?? ''))
    return undefined;
  const text = await readText(c);
  const body = parseJson(text) ?? refuseUnreadable(c, text);
  return typeof body === 'object' && body !== null && 'user_id' in body ? body.user_id : undefined;
}

/** Refuses a body that claims to be JSON and is not, since it may name a user. */
function refuseUnreadable(c: AppContext, text: string): undefined {
  if (text !== '' && text.trim() !== 'null' && isJson(c.req.header('content-type')))
    throw new HTTPException(400);
}

/**
 * Adds the user that the address or the form names; forms are read later. A user named twice must
 * be the same.
 * @returns the user's id
 */
export function nameUser(c: AppContext, named: string | undefined): string {
  if (named === undefined) return requireUserId(c.get('principal'));
  const before = c.get('namedUser');
  if (before !== undefined && before !== named) throw notFound('User');
  const caller = c.get('caller');
  const principal = caller ? actFor(caller, named) : { kind: 'anyone' as const, userId: named };
  c.set('namedUser', named);
  c.set('principal', principal);
  return requireUserId(principal);
}
