/**
 * Tells of each request to those who watch: a span, and how long its client waited for the head.
 */
import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import {
  knownTraceparent,
  type Attributes,
  type Span,
  type Telemetry,
  withError,
} from '../../core/telemetry.ts';
import { WorkTrace } from '../../models/work-trace.ts';
import { TracedTurnService } from '../../turns/traced-turn-service.ts';
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
  const method = METHODS.has(c.req.method) ? c.req.method : '_OTHER';
  const span = beginRequest(telemetry, method, c.req.header('traceparent'));
  c.set('span', span);
  c.set('dependencies', {
    ...dependencies,
    turns: new TracedTurnService(dependencies.turns, span),
    trace: new WorkTrace(telemetry, span),
  });
  await next();
  endRequest(telemetry, span, {
    method,
    route: c.get('route') ?? routeOf(c),
    requestId: c.get('requestId'),
    begunAt: c.get('begunAt'),
    status: c.get('isSent') ? 200 : c.res.status,
    isSecure: c.req.url.startsWith('https:'),
  });
  const sent = telemetry.settle();
  if (sent) dependencies.defer(sent);
};

/**
 * Begins the span of a request.
 * @param traceparent of its client, as it was sent
 * @param startedAt its beginning, in milliseconds since the epoch; now when it is left out
 */
export function beginRequest(
  telemetry: Telemetry,
  method: string,
  traceparent: string | undefined,
  startedAt?: number,
): Span {
  const parent = knownTraceparent(traceparent);
  return telemetry.begin({ name: method, kind: 'server', parent, startedAt });
}

/** A request whose answer is on its way. */
interface AnsweredRequest {
  method: string;
  status: number;
  /** The pattern of its route; undefined for a path that no route knows. */
  route: string | undefined;
  isSecure: boolean;
  requestId: string;
  /** Its beginning, in milliseconds by this process's monotonic clock. */
  begunAt: number;
}

/** Ends the span of a request, and measures how long its client waited; it is told later. */
export function endRequest(telemetry: Telemetry, span: Span, answered: AnsweredRequest): void {
  const endedAt = performance.now();
  telemetry.later(() => tellRequest(telemetry, span, { ...answered, endedAt }));
}

function tellRequest(
  telemetry: Telemetry,
  span: Span,
  answered: AnsweredRequest & { endedAt: number },
): void {
  const { status, requestId, begunAt, endedAt } = answered;
  const error = status >= 500 ? `${status}` : undefined;
  const { name, attributes } = kindOf(answered);
  span.rename(name);
  span.set(attributes);
  span.set({ 'parley.request.id': requestId });
  span.end(error, endedAt);
  const seconds = (endedAt - begunAt) / 1000;
  telemetry.measure('http.server.request.duration', seconds, withError(attributes, error));
}

/** The part that many answered requests have in common, with what is told of it. */
interface RequestKind extends Pick<AnsweredRequest, 'method' | 'status' | 'isSecure'> {
  name: string;
  attributes: Attributes;
}

/** The kinds by their routes; there are few. */
const kinds = new Map<string | undefined, RequestKind[]>();

/** Returns the kind of a request, the same for the same, with frozen attributes. */
function kindOf({ method, status, isSecure, route }: AnsweredRequest): RequestKind {
  const known = kinds.get(route) ?? [];
  const found = known.find(
    (each) => each.status === status && each.method === method && each.isSecure === isSecure,
  );
  if (found) return found;
  const attributes = Object.freeze({
    'http.request.method': method,
    'http.response.status_code': status,
    'url.scheme': isSecure ? 'https' : 'http',
    'http.route': route,
  });
  const name = route === undefined ? method : `${method} ${route}`;
  const made = { method, status, isSecure, name, attributes };
  kinds.set(route, [...known, made]);
  return made;
}

/** Patterns of routes in the form of OpenTelemetry, by those of the router; there are few. */
const patterns = new Map<string, string>();

/**
 * Returns the pattern of the route of a request that was answered before it got there. It has no
 * ids in it; undefined for a path that no route knows.
 */
function routeOf(c: AppContext): string | undefined {
  const route = matchedRoutes(c).findLast(({ path }) => path !== '*' && path !== '/*')?.path;
  if (route === undefined) return undefined;
  const known = patterns.get(route);
  if (known !== undefined) return known;
  const pattern = route.replaceAll(/:(\w+)(\{[^}]*\})?/g, '{$1}');
  patterns.set(route, pattern);
  return pattern;
}
