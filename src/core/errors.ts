import type { Budget } from './limits.ts';

/**
 * The closed set of error codes. This module knows no HTTP: only `wire/problem.ts` turns a code
 * into a status.
 */
export const ERROR_CODES = [
  'invalid_request',
  'invalid_cursor',
  'unknown_model',
  'unsupported_parameter',
  'unauthenticated',
  'forbidden',
  'identity_unavailable',
  'not_configured',
  'forbidden_origin',
  'forbidden_host',
  'forbidden_prefetch',
  'method_not_allowed',
  'not_found',
  'previous_response_not_found',
  'turn_in_progress',
  'idempotency_key_reused',
  'payload_too_large',
  'unsupported_media_type',
  'rate_limited',
  'quota_exceeded',
  'queue_full',
  'model_rate_limited',
  'model_quota_exceeded',
  'model_error',
  'model_unauthorized',
  'model_not_found',
  'model_unavailable',
  'model_timeout',
  'model_empty',
  'model_refused',
  'context_too_long',
  'turn_cancelled',
  'turn_lost',
  'not_stored',
  'database_unavailable',
  'embedding_space_mismatch',
  'document_unreadable',
  'ingest_interrupted',
  'search_interrupted',
  'shutting_down',
  'internal_error',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export interface FieldError {
  /** A dotted path into the body, the query or the headers; empty for the whole. */
  path: string;
  message: string;
}

/** A failure as a client may see it, which is also the shape in which a turn's error is stored. */
export interface Failure {
  code: ErrorCode;
  detail: string;
  errors?: FieldError[];
  /** Seconds after which the client may try again. */
  retryAfter?: number;
  /** True where the server as a whole has no room now, whoever asks. */
  isReduced?: boolean | undefined;
  /** The user's budget, and the names of the limits that the request would exceed. */
  limits?: Budget | undefined;
  violated?: readonly string[] | undefined;
}

/**
 * An expected failure. Its `detail` is written for clients and holds nothing secret; its cause goes
 * to the log only.
 */
export class ParleyError extends Error implements Failure {
  override readonly name = 'ParleyError';
  readonly code: ErrorCode;
  readonly detail: string;
  readonly errors?: FieldError[];
  readonly retryAfter?: number;
  readonly isReduced?: boolean | undefined;
  readonly limits?: Budget | undefined;
  readonly violated?: readonly string[] | undefined;

  constructor(failure: Failure, options?: { cause?: unknown }) {
    super(`${failure.code}: ${failure.detail}`, options);
    this.code = failure.code;
    this.detail = failure.detail;
    this.errors = failure.errors;
    this.retryAfter = failure.retryAfter;
    this.isReduced = failure.isReduced;
    this.limits = failure.limits;
    this.violated = failure.violated;
  }
}

/**
 * Returns what a client may see of an error: our own errors as they are, any other as a generic
 * failure that reveals nothing.
 */
export function failureOf(error: unknown): Failure {
  if (error instanceof ParleyError) {
    const { code, detail, errors, retryAfter, isReduced, limits, violated } = error;
    return { code, detail, errors, retryAfter, isReduced, limits, violated };
  }
  return { code: 'internal_error', detail: 'Something went wrong on our side' };
}

/** Returns the error of a server that has no room for more now, whoever asks. */
export function noRoom(detail: string): ParleyError {
  return new ParleyError({ code: 'queue_full', detail, retryAfter: 1, isReduced: true });
}

/** Returns the error of a server that takes nothing more, since it stops. */
export function stopping(detail = 'The server is shutting down', cause?: unknown): ParleyError {
  const failure = { code: 'shutting_down', detail, retryAfter: 1, isReduced: true } as const;
  return new ParleyError(failure, cause === undefined ? undefined : { cause });
}

/** Returns true for a failure of ours that is over when the database or the server is back. */
export function failureMayPass({ code }: Failure): boolean {
  return code === 'database_unavailable' || code === 'shutting_down';
}

/**
 * Returns true when the operator should see the error: it is unexpected, or its cause is kept from
 * the client.
 */
export function isForOperator(error: unknown): boolean {
  const hasCause = error instanceof Error && error.cause !== undefined;
  return hasCause || failureOf(error).code === 'internal_error';
}

/** Returns the error for things that do not exist and for things of other users alike. */
export function notFound(what: string): ParleyError {
  return new ParleyError({ code: 'not_found', detail: `${what} not found` });
}

/**
 * Returns the error for a request whose caller is not established: one text for a credential that
 * is missing, unknown, revoked or expired, so that nothing is learned from it.
 */
export function unauthenticated(): ParleyError {
  return new ParleyError({
    code: 'unauthenticated',
    detail: 'A valid credential is needed: Authorization: Bearer, or X-API-Key',
  });
}

/** Returns the error for an Idempotency-Key that comes with another request. */
export function keyReused(): ParleyError {
  return new ParleyError({
    code: 'idempotency_key_reused',
    detail: 'This Idempotency-Key was used with another request',
  });
}

/** Returns the error for a single invalid field, in the form that validation reports. */
export function invalid(path: string, message: string): ParleyError {
  return new ParleyError({ code: 'invalid_request', detail: message, errors: [{ path, message }] });
}
