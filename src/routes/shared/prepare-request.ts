/** Checks every request before its route reads it: origin, size, type and caller. */
import type { MiddlewareHandler, Next } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { refuseForeignOrigin } from '../../auth/origin.ts';
import { refuseInAddress } from '../../auth/presented.ts';
import { ParleyError } from '../../core/errors.ts';
import { LARGEST_UPLOAD } from '../../documents/extract.ts';
import type { AppContext, AppEnv } from './dependencies.ts';
import { authenticate, identifiedRequest } from './identify.ts';
import { requireKnownNames } from './known-fields.ts';
import { countedStreams } from './limit-streams.ts';
import { declaredLength, hasBody, isForm, jsonRequest } from './request-body.ts';

export interface RouteTraits {
  /** True when the body may be a form with a file, which may be large. */
  takesFile?: boolean;
  /** True when the body may hold a whole conversation, as some clients send with each message. */
  takesHistory?: boolean;
  /**
   * True for a GET that starts a turn; pages of other origins and prefetching browsers may not call
   * it.
   */
  startsTurn?: boolean;
  /** True for a route that anybody may call, whatever `AUTH` says. */
  isOpen?: boolean;
  /** True for a stream or a socket, which browsers open with a ticket in the address. */
  takesTicket?: boolean;
  /** True where work begins before the database is asked: the caller is confirmed first. */
  confirmsFirst?: boolean;
  /** True where the cookie of an earlier session is not looked at. */
  beginsSession?: boolean;
  /** The names of the query parameters, besides the user's. */
  query?: readonly string[];
}

/**
 * The largest JSON body, in bytes: the longest message with every unit escaped, and the other
 * fields.
 */
const LARGEST_BODY = 1_600_000;
/**
 * The largest body with a document, in bytes: JSON needs two for a line break, a quote and others.
 */
const LARGEST_UPLOAD_BODY = 2 * LARGEST_UPLOAD;

/** The largest body with a conversation, in bytes. */
const LARGEST_HISTORY = 16_000_000;

/** Returns the middleware for a route with these traits. @param path the pattern of its path */
export function prepareRequest(path: string, traits: RouteTraits): MiddlewareHandler<AppEnv> {
  const limit = limitedTo(largestBody(traits));
  const knownQuery = ['user_id', ...(traits.query ?? [])];
  const limitIfLarge: MiddlewareHandler<AppEnv> = (c, next) => {
    const length = declaredLength(c.req.raw) ?? Number.POSITIVE_INFINITY;
    return length <= LARGEST_BODY || !hasBody(c.req.raw) ? next() : limit(c, next);
  };
  const serve = (c: AppContext, names: readonly string[], next: Next) => {
    requireKnownNames(names, knownQuery);
    return limitIfLarge(c, async () => {
      requireKnownBody(c, traits);
      c.set('principal', await authenticate(c));
      limitStreams(c, traits);
      await next();
    });
  };
  return (c, next) => {
    c.set('route', path);
    guard(c, traits);
    const names = Object.keys(c.req.query());
    if (traits.isOpen || !c.get('dependencies').identity) return serve(c, names, next);
    refuseInAddress(names);
    return identifiedRequest(c, traits, () => serve(c, names, next));
  };
}

/**
 * Counts the streams of turns that the request may open, where users have limits. What asks for a
 * stream reads how many there may be with its first batch.
 */
function limitStreams(c: AppContext, { takesTicket }: RouteTraits): void {
  const dependencies = c.get('dependencies');
  const counted = countedStreams(dependencies, c.get('principal'));
  if (!counted) return;
  const { turns, db } = counted;
  const isStream = takesTicket ?? /\bevent-stream\b/.test(c.req.header('accept') ?? '');
  c.set('dependencies', { ...dependencies, turns, ...(isStream && { db }) });
}

function largestBody({ takesFile, takesHistory }: RouteTraits): number {
  if (takesFile) return LARGEST_UPLOAD_BODY;
  return takesHistory ? LARGEST_HISTORY : LARGEST_BODY;
}

function guard(c: AppContext, { startsTurn }: RouteTraits): void {
  const { headers } = c.req.raw;
  const isSafe = c.req.method === 'GET' || c.req.method === 'HEAD';
  if (isSafe && !startsTurn) return;
  refuseForeignOrigin(headers, originPolicyOf(c));
  if (isSafe && /\bprefetch\b/i.test(headers.get('sec-purpose') ?? ''))
    throw new ParleyError({
      code: 'forbidden_prefetch',
      detail: 'This address starts a turn: it must not be fetched in advance',
    });
}

export function originPolicyOf(c: AppContext) {
  const { config, identity } = c.get('dependencies');
  // With identity, pages of other origins are nobody's unless the operator names them.
  return { origins: config.CORS_ORIGINS ?? (identity ? [] : undefined) };
}

function limitedTo(maxSize: number): MiddlewareHandler<AppEnv> {
  const onError = () => {
    const detail = `A body may have ${maxSize} bytes`;
    throw new ParleyError({ code: 'payload_too_large', detail });
  };
  return bodyLimit({ maxSize, onError });
}

/** Refuses a body whose type is not JSON, nor a form when a file may come. */
function requireKnownBody(c: AppContext, { takesFile }: RouteTraits): void {
  if (!hasBody(c.req.raw)) return;
  refuseCompressed(c.req.header('content-encoding'));
  if (c.req.method === 'DELETE') return;
  const type = c.req.header('content-type');
  const asJson = jsonRequest(c.req.raw);
  if (asJson) c.req.raw = asJson;
  else if (type !== undefined && !(takesFile && isForm(type))) throw unknownMediaType(takesFile);
}

/** Refuses a compressed body, which could be a thousand times as large as its declared length. */
function refuseCompressed(encoding: string | undefined): void {
  if (encoding === undefined || /^\s*(identity)?\s*$/i.test(encoding)) return;
  const detail = 'Send the body as it is, without Content-Encoding';
  throw new ParleyError({ code: 'unsupported_media_type', detail });
}

/** Returns the error for a body of an unknown type. */
export function unknownMediaType(takesFile: boolean | undefined): ParleyError {
  const detail = `Send application/json${takesFile ? ' or multipart/form-data' : ''}, in UTF-8`;
  return new ParleyError({ code: 'unsupported_media_type', detail });
}
