/** Whose request it is. Without identity it is what the request says, in its body or its query. */
import type { MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { hasBody, isJson } from './request-body.ts';
import { invalid, notFound } from '../../core/errors.ts';
import { invalidInput } from './router.ts';
import { ownerQuery } from './schemas.ts';
import type { AppContext, AppEnv } from './dependencies.ts';

/** Finds the caller. A request that names two users speaks of somebody else's things for one of them, and finds nothing. */
export const identify: MiddlewareHandler<AppEnv> = async (c, next) => {
  const said: unknown[] = [...(c.req.queries('user_id') ?? []), await userInBody(c)];
  const named = said.filter((name) => name !== undefined).map(nameOf);
  if (new Set(named).size > 1) throw notFound('User');
  c.set('caller', named[0]);
  await next();
};

/** Checked here for every route, since some have no schema for the place where the name is. */
function nameOf(name: unknown): string | undefined {
  const parsed = ownerQuery.safeParse({ user_id: name });
  if (parsed.success) return parsed.data.user_id;
  throw invalidInput(parsed.error);
}

/** Whatever type the body is said to be: a name that is passed over would let anybody in. */
async function userInBody(c: AppContext): Promise<unknown> {
  if (!hasBody(c.req.raw) || /^multipart\//i.test(c.req.header('content-type') ?? ''))
    return undefined;
  const body: unknown = await c.req.json().catch(() => refuseUnreadable(c));
  return typeof body === 'object' && body !== null && 'user_id' in body ? body.user_id : undefined;
}

/** A body that is said to be JSON and is none may name somebody; routes that read nothing else of it do not look. */
async function refuseUnreadable(c: AppContext): Promise<undefined> {
  const isEmpty = (await c.req.text()) === '';
  if (!isEmpty && isJson(c.req.header('content-type'))) throw new HTTPException(400);
}

/** The caller where the address, or a form, which is read later, may name one too: who is named twice must be the same. */
export function callerNamed(c: AppContext, named: string | undefined): string {
  const caller = c.get('caller');
  if (caller !== undefined && named !== undefined && caller !== named) throw notFound('User');
  c.set('caller', caller ?? named);
  return requiredCaller(c);
}

/** @throws ParleyError `invalid_request` where something is made for nobody */
export function requiredCaller(c: AppContext): string {
  const caller = c.get('caller');
  if (caller === undefined || caller === '')
    throw invalid('user_id', 'is required, in the body or the query');
  return caller;
}
