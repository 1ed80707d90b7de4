/** Sets the headers that every response carries. */
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { isAllowedOrigin, isNamedOrigin, refusedOriginMessage } from '../../auth/origin.ts';
import { warnOnce } from '../../core/log-once.ts';
import { newId } from '../../core/ids.ts';
import { OPENAI_LIMIT_FIELDS } from '../../wire/limits-view.ts';
import type { AppContext, AppEnv } from './dependencies.ts';
import { originPolicyOf } from './prepare-request.ts';
import { ALWAYS, securityHeaders } from './security-headers.ts';

/** Matches the request ids that callers may choose themselves. */
const REQUEST_ID = /^[\w=-]{1,255}$/;

/**
 * Gives the request an id, and names the turn that a response belongs to. An answer that was sent
 * already has these headers (`headersOfEveryAnswer`); adding one here would only make objects.
 */
export const nameRequest: MiddlewareHandler<AppEnv> = async (c, next) => {
  const given = c.req.header('x-request-id');
  const requestId = given !== undefined && REQUEST_ID.test(given) ? given : newId();
  c.set('requestId', requestId);
  c.set('begunAt', performance.now());
  await next();
  if (c.get('isSent')) return;
  addHeader(c, 'X-Request-Id', requestId, 'set');
  addHeader(c, 'Server-Timing', serverTiming(c), 'set');
  if (c.req.header('origin') === undefined) addHeader(c, 'Vary', 'Origin', 'append');
  if (c.res.headers.get('content-type')?.startsWith('application/'))
    addHeader(c, 'Cache-Control', 'no-store', 'set');
  for (const headers of [securityHeaders(c), c.get('turnHeaders') ?? {}])
    for (const [name, value] of Object.entries(headers)) addHeader(c, name, value, 'set');
};

/**
 * Adds a header to the finished response, since a header set before makes the framework build a
 * second response.
 */
function addHeader(c: AppContext, name: string, value: string, how: 'set' | 'append'): void {
  try {
    c.res.headers[how](name, value);
  } catch {
    // The headers of a response from the network are immutable and can only be copied.
    c.header(name, value, { append: how === 'append' });
  }
}

const corsHeaders: MiddlewareHandler<AppEnv> = cors({
  origin: (origin, c: AppContext) => {
    const policy = originPolicyOf(c);
    if (isAllowedOrigin(origin, c.req.header('host'), policy)) return origin;
    warnOnce(c.get('dependencies').log, refusedOriginMessage(origin, policy));
    return null;
  },
  exposeHeaders: [
    'X-Should-Retry',
    'X-Request-Id',
    'X-Turn-Id',
    'X-Conversation-Id',
    'Location',
    'Link',
    'Retry-After',
    'RateLimit-Policy',
    'RateLimit',
    ...OPENAI_LIMIT_FIELDS,
    'Server-Timing',
    'Stream-Next-Offset',
    'Stream-Cursor',
    'Stream-Up-To-Date',
    'Stream-Closed',
  ],
  maxAge: 600,
});

/** Lets browsers call from the allowed origins. */
export const allowBrowsers: MiddlewareHandler<AppEnv> = (c, next) => {
  const origin = c.req.header('origin');
  if (origin === undefined) return next();
  // Only for origins that the operator has named: never for everybody.
  if (isNamedOrigin(origin, originPolicyOf(c)))
    c.res.headers.set('Access-Control-Allow-Credentials', 'true');
  return corsHeaders(c, next);
};

/**
 * Returns the value of `Server-Timing` (W3C): how long the client has waited for the head of its
 * answer and, where it is a whole turn, for its parts.
 */
function serverTiming(c: AppContext): string {
  const parts = Object.entries(c.get('timings') ?? {});
  const known = parts.filter((part): part is [string, number] => part[1] !== null);
  const all: [string, number][] = [['total', performance.now() - c.get('begunAt')], ...known];
  return all.map(([name, ms]) => timing(name, ms)).join(', ');
}

/** Returns one part of `Server-Timing`. */
export function timing(name: string, ms: number): string {
  return `${name};dur=${Math.round(ms * 10) / 10}`;
}

/**
 * Returns the headers that the middleware above adds, for a host that writes the head of a response
 * itself, before the middleware sees it.
 */
export function headersOfEveryAnswer(c: AppContext): Record<string, string> {
  const common = headersOfAnswer(c.get('requestId'), serverTiming(c), securityHeaders(c));
  if (c.req.header('origin') === undefined) return common;
  return { ...Object.fromEntries(c.res.headers), ...common };
}

/**
 * Returns these headers for an answer to a program, not to a page.
 * @param security those that protect it: the ones without TLS unless given
 */
export function headersOfAnswer(
  requestId: string,
  timing: string,
  security: Readonly<Record<string, string>> = ALWAYS,
): Record<string, string> {
  return { 'X-Request-Id': requestId, 'Server-Timing': timing, Vary: 'Origin', ...security };
}
