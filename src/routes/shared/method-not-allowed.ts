/** Telling an address that does not exist from one that is called by the wrong method. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { problemResponse } from '../../wire/problem.ts';
import type { AppContext, AppEnv } from './dependencies.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** Returns the 405 of an address that other methods have (RFC 9110 §15.5.6); undefined where none has. */
export function methodNotAllowed(
  app: Pick<OpenAPIHono<AppEnv>, 'router'>,
  c: AppContext,
): Response | undefined {
  const allowed = METHODS.filter((method) => hasRoute(app, method, c.req.path));
  if (allowed.length === 0) return undefined;
  if (allowed.includes('GET')) allowed.push('HEAD');
  const detail = `${c.req.method} is not allowed here; use ${allowed.join(' or ')}`;
  const response = problemResponse({ code: 'method_not_allowed', detail }, c.get('requestId'));
  response.headers.set('Allow', allowed.join(', '));
  return response;
}

function hasRoute(
  { router }: Pick<OpenAPIHono<AppEnv>, 'router'>,
  method: string,
  path: string,
): boolean {
  // Middleware is registered for all methods.
  return router.match(method, path)[0].some(([[, route]]) => route.method === method);
}
