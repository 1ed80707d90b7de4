/**
 * Tells of each request to those who watch: a span, and how long its client waited for the head.
 */
import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { knownTraceparent } from '../../core/telemetry.ts';
import { WorkTrace } from '../../models/work-trace.ts';
import { tracedTurns } from '../../turns/traced-turn-service.ts';
import type { AppContext, AppEnv } from './dependencies.ts';

/** The methods that HTTP knows; others are counted as one. */
const METHODS: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
]);

/** Begins the span of a request. Its turns become parts of it. */
export const traceRequest: MiddlewareHandler<AppEnv> = async (c, next) => {
  const dependencies = c.get('dependencies');
  const { telemetry } = dependencies;
  if (!telemetry) return next();
  const begunAt = performance.now();
  const method = METHODS.has(c.req.method) ? c.req.method : '_OTHER';
  const span = telemetry.begin({
    ...{ name: method, kind: 'server' },
    parent: knownTraceparent(c.req.header('traceparent')),
  });
  c.set('dependencies', {
    ...dependencies,
    turns: tracedTurns(dependencies.turns, span.traceparent),
    trace: new WorkTrace(telemetry, span.traceparent),
  });
  await next();
  const route = routeOf(c);
  if (route !== undefined) span.rename(`${method} ${route}`);
  const status = c.get('isSent') ? 200 : c.res.status;
  const error = status >= 500 ? { 'error.type': `${status}` } : {};
  const measured = {
    ...{ 'http.request.method': method, 'http.response.status_code': status },
    'url.scheme': c.req.url.startsWith('https:') ? 'https' : 'http',
    ...(route !== undefined && { 'http.route': route }),
    ...error,
  };
  span.set({ ...measured, 'parley.request.id': c.get('requestId') });
  span.end(error['error.type']);
  const seconds = (performance.now() - begunAt) / 1000;
  telemetry.measure('http.server.request.duration', seconds, measured);
  dependencies.defer(telemetry.settle());
};

/**
 * Returns the pattern of the route, which has no ids in it; undefined for a path that none knows.
 */
function routeOf(c: AppContext): string | undefined {
  const route = matchedRoutes(c).findLast(({ path }) => path !== '*' && path !== '/*');
  return route?.path.replaceAll(/:(\w+)(\{[^}]*\})?/g, '{$1}');
}
