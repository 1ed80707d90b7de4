/** Finds out who is calling. Without identity, the body or the query says so. */
import { HTTPException } from 'hono/http-exception';
import { notFound } from '../../core/errors.ts';
import type { Principal } from '../../core/principal.ts';
import { requireUserId } from '../../core/principal.ts';
import type { AppContext } from './dependencies.ts';
import { invalidInput } from './invalid-input.ts';
import { hasBody, isJson, readText } from './request-body.ts';
import { ownerQuery } from './schemas.ts';

/**
 * Returns the caller. A request that names two different users is about another user's things for
 * one of them, so it finds nothing.
 */
export async function authenticate(c: AppContext): Promise<Principal> {
  const said: unknown[] = [...(c.req.queries('user_id') ?? []), await userInBody(c)];
  const named = said.filter((name) => name !== undefined).map(nameOf);
  if (new Set(named).size > 1) throw notFound('User');
  return { kind: 'anyone', userId: named[0] };
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Adds the user that the address or the form names; forms are read later. A user named twice must
 * be the same.
 * @returns the user's id
 */
export function nameUser(c: AppContext, named: string | undefined): string {
  const principal = c.get('principal');
  if (named === undefined) return requireUserId(principal);
  if (principal.userId !== undefined && principal.userId !== named) throw notFound('User');
  const merged: Principal = { ...principal, userId: named };
  c.set('principal', merged);
  return requireUserId(merged);
}
