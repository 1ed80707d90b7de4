/**
 * Renders failures as statuses and `application/problem+json` (RFC 9457), and is the only place
 * that does.
 */
import type { ErrorCode, Failure } from '../core/errors.ts';
import { limitHeaders } from './limits-view.ts';

const PROBLEMS: Record<ErrorCode, { status: number; title: string }> = {
  invalid_request: { status: 400, title: 'Invalid request' },
  invalid_cursor: { status: 400, title: 'Invalid cursor' },
  unknown_model: { status: 400, title: 'Unknown model' },
  unsupported_parameter: { status: 400, title: 'Unsupported parameter' },
  unauthenticated: { status: 401, title: 'Not authenticated' },
  forbidden: { status: 403, title: 'Not allowed' },
  identity_unavailable: { status: 503, title: 'Identity unavailable' },
  not_configured: { status: 503, title: 'Not configured' },
  forbidden_origin: { status: 403, title: 'Origin not allowed' },
  forbidden_host: { status: 403, title: 'Host not allowed' },
  forbidden_prefetch: { status: 403, title: 'Prefetch not allowed' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  not_found: { status: 404, title: 'Not found' },
  previous_response_not_found: { status: 400, title: 'Previous response not found' },
  turn_in_progress: { status: 409, title: 'A turn is in progress' },
  idempotency_key_reused: { status: 409, title: 'Idempotency key reused' },
  embedding_space_mismatch: { status: 409, title: 'Embedding space mismatch' },
  payload_too_large: { status: 413, title: 'Payload too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  document_unreadable: { status: 400, title: 'Document unreadable' },
  ingest_interrupted: { status: 503, title: 'Ingest interrupted' },
  rate_limited: { status: 429, title: 'Too many requests' },
  quota_exceeded: { status: 429, title: 'Quota exceeded' },
  search_interrupted: { status: 503, title: 'Search interrupted' },
  queue_full: { status: 429, title: 'Too many waiting requests' },
  model_rate_limited: { status: 429, title: 'AI service rate limit' },
  model_quota_exceeded: { status: 429, title: 'AI service quota used up' },
  model_unauthorized: { status: 502, title: 'AI service error' },
  model_not_found: { status: 502, title: 'AI service error' },
  model_error: { status: 502, title: 'AI service error' },
  model_empty: { status: 502, title: 'AI service error' },
  model_refused: { status: 400, title: 'Request refused by the model' },
  context_too_long: { status: 400, title: 'Conversation too long' },
  model_unavailable: { status: 503, title: 'AI service unavailable' },
  model_timeout: { status: 504, title: 'AI service timeout' },
  turn_cancelled: { status: 409, title: 'Answer stopped' },
  turn_lost: { status: 503, title: 'Turn interrupted' },
  not_stored: { status: 503, title: 'Answer not stored' },
  database_unavailable: { status: 503, title: 'Database unavailable' },
  shutting_down: { status: 503, title: 'Shutting down' },
  internal_error: { status: 500, title: 'Internal error' },
};

export const errorCodes = Object.keys(PROBLEMS) as [ErrorCode, ...ErrorCode[]];

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: ErrorCode;
  errors?: { path: string; message: string }[];
  retry_after?: number;
  /** The limits that were exceeded, by their names in `RateLimit-Policy`. */
  'violated-policies'?: readonly string[];
}

/** The problem type of IANA's registry (draft-ietf-httpapi-ratelimit-headers-11). */
const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded';

/** Another: the server takes less than it does at other times. */
const REDUCED_CAPACITY =
  'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity';

function typeOf({ code, violated, isReduced }: Failure): string {
  if (violated) return QUOTA_EXCEEDED;
  return isReduced ? REDUCED_CAPACITY : `urn:parley:problem:${code}`;
}

/**
 * Returns the problem document of a failure.
 * @param instance the id of the request that the problem occurred in
 */
export function problemOf(failure: Failure, instance: string): Problem {
  const { status, title } = PROBLEMS[failure.code];
  return {
    type: typeOf(failure),
    title,
    status,
    detail: failure.detail,
    instance,
    code: failure.code,
    ...(failure.errors ? { errors: failure.errors } : {}),
    ...(failure.retryAfter === undefined ? {} : { retry_after: failure.retryAfter }),
    ...(failure.violated ? { 'violated-policies': failure.violated } : {}),
  };
}

/**
 * Returns the failure as `application/problem+json`, with `Retry-After` (whole seconds, at least
 * one) when it is known, and `WWW-Authenticate` when the caller is not established.
 */
export function problemResponse(failure: Failure, instance: string): Response {
  const { status, headers } = failureHead(failure);
  headers.set('Content-Type', 'application/problem+json');
  return new Response(JSON.stringify(problemOf(failure, instance)), { status, headers });
}

/** Returns the status and the headers of an answer that tells of a failure, in whatever form. */
export function failureHead(failure: Failure): { status: number; headers: Headers } {
  const headers = new Headers();
  if (failure.code === 'unauthenticated') headers.set('WWW-Authenticate', 'Bearer');
  if (failure.retryAfter !== undefined)
    headers.set('Retry-After', String(Math.max(1, Math.ceil(failure.retryAfter))));
  for (const [name, value] of Object.entries(limitHeaders(failure.limits)))
    headers.set(name, value);
  return { status: PROBLEMS[failure.code].status, headers };
}
