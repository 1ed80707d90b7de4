/** Whose request it is. Without identity it is what the request says, in its body or its query; the shape of it is each route's to check. */
import type { MiddlewareHandler } from 'hono';
import { hasBody } from '../access/body.ts';
import { invalid, notFound } from '../chat/errors.ts';
import type { AppContext, AppEnv } from './services.ts';

/** Finds the caller. A request that names two users speaks of somebody else's things for one of them, and finds nothing. */
export const identify: MiddlewareHandler<AppEnv> = async (c, next) => {
  const named = [c.req.query('user_id'), await userInBody(c)].filter((name) => name !== undefined);
  if (new Set(named).size > 1) throw notFound('User');
  c.set('caller', named[0]?.toWellFormed());
  await next();
};

async function userInBody(c: AppContext): Promise<string | undefined> {
  if (!hasBody(c.req.raw) || !c.req.header('content-type')?.includes('json')) return undefined;
  // What is no JSON is told by the route's own validation.
  const body: unknown = await c.req.json().catch(() => undefined);
  if (typeof body !== 'object' || body === null || !('user_id' in body)) return undefined;
  const { user_id: user } = body;
  return typeof user === 'string' || typeof user === 'number' ? String(user) : undefined;
}

/** The caller where a form, which is read later, may name one too. */
export function callerWithForm(c: AppContext, named: string | undefined): string {
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
