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
  return type !== undefined && /^application\/([\w.+-]+\+)?json\b/i.test(type);
}
