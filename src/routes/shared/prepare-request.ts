/** What every route does before it reads a request: who may call from where, how large, of what type, and whose it is. */
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { refuseForeignOrigin } from '../../auth/origin.ts';
import { ParleyError } from '../../core/errors.ts';
import { LARGEST_UPLOAD } from '../../documents/extract.ts';
import type { AppContext, AppEnv } from './dependencies.ts';
import { authenticate } from './identify.ts';
import { requireKnownQuery } from './known-fields.ts';
import { declaredLength, hasBody, isForm, jsonRequest } from './request-body.ts';

export interface RouteTraits {
  /** The body may be a file, in a form, and large. */
  takesFile?: boolean;
  /** A GET that starts something: a page from elsewhere may not, nor a browser that prefetches. */
  startsTurn?: boolean;
  /** The names of the parameters that its query may have, besides the user's. */
  query?: readonly string[];
}

/** Bytes of a JSON body: the longest message with every unit escaped, and the rest. */
const LARGEST_BODY = 1_600_000;
/** Bytes of a body that holds a document: in JSON a line break, a quote and more take two. */
const LARGEST_UPLOAD_BODY = 2 * LARGEST_UPLOAD;

/** Returns the middleware of a route with these traits. */
export function prepareRequest(traits: RouteTraits): MiddlewareHandler<AppEnv> {
  const limit = limitedTo(traits.takesFile ? LARGEST_UPLOAD_BODY : LARGEST_BODY);
  const limitIfLarge: MiddlewareHandler<AppEnv> = (c, next) => {
    const length = declaredLength(c.req.raw) ?? Number.POSITIVE_INFINITY;
    return length <= LARGEST_BODY || !hasBody(c.req.raw) ? next() : limit(c, next);
  };
  return (c, next) => {
    guard(c, traits);
    requireKnownQuery(Object.keys(c.req.query()), ['user_id', ...(traits.query ?? [])]);
    return limitIfLarge(c, async () => {
      requireKnownBody(c, traits);
      c.set('principal', await authenticate(c));
      await next();
    });
  };
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
  return { origins: c.get('dependencies').config.CORS_ORIGINS };
}

function limitedTo(maxSize: number): MiddlewareHandler<AppEnv> {
  const onError = () => {
    const detail = `A body may have ${maxSize} bytes`;
    throw new ParleyError({ code: 'payload_too_large', detail });
  };
  return bodyLimit({ maxSize, onError });
}

/** A body that is not said to be JSON, or a form where a file may come, is not read as such. */
function requireKnownBody(c: AppContext, { takesFile }: RouteTraits): void {
  if (c.req.method === 'DELETE' || !hasBody(c.req.raw)) return;
  const type = c.req.header('content-type');
  const asJson = jsonRequest(c.req.raw);
  if (asJson) c.req.raw = asJson;
  else if (type !== undefined && !(takesFile && isForm(type))) throw unknownMediaType(takesFile);
}

/** Returns the refusal of a body of another type. */
export function unknownMediaType(takesFile: boolean | undefined): ParleyError {
  const detail = `Send application/json${takesFile ? ' or multipart/form-data' : ''}, in UTF-8`;
  return new ParleyError({ code: 'unsupported_media_type', detail });
}
