/**
 * Whether a request brings a body, and how many bytes. Its headers say so nearly always; on Node the mere look at `Request.body` builds a chain of streams that costs more
 * than all the rest of taking a request in.
 */

/** The length that the headers declare; undefined when the body is sent in pieces or nothing is said. */
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

/** The spellings of JSON's type that the framework is sure to know. */
const PLAIN_JSON = /^application\/json(; ?charset=[\w-]+)?$/i;

/**
 * A request whose body is JSON, its type in a spelling that the framework takes: it refuses white space before the parameters and digits in the name of a kind of
 * JSON, which are legal (RFC 9110 §8.3.1, RFC 6838 §4.2).
 * @returns the request itself where it needs no change, which is nearly always: a copy costs more
 */
export function withPlainJson(request: Request): Request {
  if (PLAIN_JSON.test(request.headers.get('content-type') ?? '')) return request;
  const headers = new Headers(request.headers);
  headers.set('content-type', 'application/json');
  return new Request(request, { headers });
}
