/**
 * Reads the length and the type of a request's body from its headers, which nearly always have
 * them. On Node, looking at `Request.body` builds a chain of streams that costs more than the rest
 * of the request.
 */

import type { Context } from 'hono';
import { ParleyError } from '../../core/errors.ts';

/**
 * Returns the declared length in bytes; undefined when the body is chunked or there is no such
 * header.
 */
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
 * Reads a body as UTF-8, strictly: lossy decoding would store text that nobody wrote. The text is
 * kept where the framework looks for it first.
 * @throws ParleyError `invalid_request` for bytes that are not UTF-8
 */
export function readText({ req }: Pick<Context, 'req'>): Promise<string> {
  const text = req.raw.arrayBuffer().then(decodeStrictly);
  Object.assign(req.bodyCache, { text });
  return text;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

function decodeStrictly(bytes: ArrayBuffer): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    throw new ParleyError({ code: 'invalid_request', detail: 'The body is not valid UTF-8' });
  }
}

/** Matches the spellings of JSON's type that the framework certainly knows. */
const PLAIN_JSON = /^application\/json(; ?charset=utf-?8)?$/i;
const CHARSET = /;\s*charset\s*=\s*"?([^\s";]*)/i;

/**
 * Returns a request with a JSON body whose type is spelled as the framework expects it. The
 * framework refuses white space before parameters and digits in the name of a JSON type, which are
 * legal (RFC 9110 §8.3.1, RFC 6838 §4.2).
 * @returns the request itself when it needs no change, since a copy costs more; undefined for
 *   another type, or for a charset other than UTF-8 (RFC 8259 §8.1)
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
