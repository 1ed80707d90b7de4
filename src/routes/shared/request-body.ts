/**
 * Whether a request brings a body, how many bytes, and of what type. Its headers say so nearly always; on
 * Node the mere look at `Request.body` builds a chain of streams that costs more than all the rest of
 * taking a request in.
 */

import type { Context } from 'hono';
import { ParleyError } from '../../core/errors.ts';

/** Returns the length that the headers declare; undefined when the body is sent in pieces or nothing is said. */
export function declaredLength({ headers }: Request): number | undefined {
  const length = headers.get('content-length');
  if (length === null || headers.has('transfer-encoding')) return undefined;
  return Number.parseInt(length, 10) || 0;
}

export function hasBody(request: Request): boolean {
  if (request.method === 'GET' || request.method === 'HEAD') return false;
  const length = declaredLength(request);
  return length === undefined ? request.body !== null : length > 0;
}

/** @param type what `Content-Type` says */
export function isJson(type: string | undefined): boolean {
  return type !== undefined && /^application\/([\w.+-]+\+)?json[\t ]*(;|$)/i.test(type);
}

/** @param type what `Content-Type` says */
export function isForm(type: string | undefined): boolean {
  return type !== undefined && /^multipart\/form-data\b/i.test(type);
}

/**
 * Reads a body as UTF-8, strictly: a lossy reading would store what nobody wrote. The framework finds the
 * text where it looks for it first.
 * @throws ParleyError `invalid_request` for bytes that are no UTF-8
 */
export function readText({ req }: Pick<Context, 'req'>): Promise<string> {
  const text = req.raw.arrayBuffer().then(decodeStrictly);
  Object.assign(req.bodyCache, { text });
  return text;
}

function decodeStrictly(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ParleyError({ code: 'invalid_request', detail: 'The body is not valid UTF-8' });
  }
}

/** The spellings of JSON's type that the framework is sure to know. */
const PLAIN_JSON = /^application\/json(; ?charset=utf-?8)?$/i;
const CHARSET = /;\s*charset\s*=\s*"?([^\s";]*)/i;

/**
 * Returns a request whose body is JSON, its type in a spelling that the framework takes: it refuses white
 * space before the parameters and digits in the name of a kind of JSON, which are legal (RFC 9110 §8.3.1,
 * RFC 6838 §4.2). The request itself, where it needs no change, since a copy costs more; undefined for
 * another type, or for JSON in another charset than UTF-8 (RFC 8259 §8.1).
 */
export function jsonRequest(request: Request): Request | undefined {
  const type = request.headers.get('content-type') ?? undefined;
  if (type !== undefined && PLAIN_JSON.test(type)) return request;
  const charset = type === undefined ? undefined : CHARSET.exec(type)?.[1];
  if (!isJson(type) || (charset !== undefined && !/^utf-?8$/i.test(charset))) return undefined;
  const headers = new Headers(request.headers);
  headers.set('content-type', 'application/json');
  return new Request(request, { headers });
}
