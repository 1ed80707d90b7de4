/** Tells an address that does not exist from one that does not take the method. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { problemResponse } from '../../wire/problem.ts';
import type { AppContext, AppEnv } from './dependencies.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Returns the 405 for an address that takes other methods (RFC 9110 §15.5.6); undefined when it
 * takes none.
 */
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
  // Middleware is registered for all methods, so it does not count.
  return router.match(method, path)[0].some(([[, route]]) => route.method === method);
}
