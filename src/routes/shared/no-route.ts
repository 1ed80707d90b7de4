/** Tells an address that does not exist from one that does not take the method. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import { notFound, ParleyError } from '../../core/errors.ts';
import type { AppContext, AppEnv } from './dependencies.ts';
import type { RenderError } from './render-error.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Answers a request that no route takes: 405 for an address that takes other methods (RFC 9110
 * §15.5.6), else 404.
 */
export function noRoute(
  app: Pick<OpenAPIHono<AppEnv>, 'router'>,
  c: AppContext,
  render: RenderError,
): Response {
  const allowed = METHODS.filter((method) => hasRoute(app, method, c.req.path));
  if (allowed.length === 0) return render(notFound('Route'), c);
  if (allowed.includes('GET')) allowed.push('HEAD');
  const detail = `${c.req.method} is not allowed here; use ${allowed.join(' or ')}`;
  const response = render(new ParleyError({ code: 'method_not_allowed', detail }), c);
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
