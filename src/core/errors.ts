/**
 * The closed set of things that can go wrong, in the domain's own words. It knows no HTTP: `wire/problem.ts` is the one
 * place that renders a code as a status.
 */
export const ERROR_CODES = [
  'invalid_request',
  'invalid_cursor',
  'unknown_model',
  'forbidden_origin',
  'forbidden_host',
  'forbidden_prefetch',
  'method_not_allowed',
  'not_found',
  'turn_in_progress',
  'idempotency_key_reused',
  'payload_too_large',
  'unsupported_media_type',
  'queue_full',
  'model_rate_limited',
  'model_error',
  'model_unauthorized',
  'model_not_found',
  'model_unavailable',
  'model_timeout',
  'model_empty',
  'model_refused',
  'context_too_long',
  'turn_lost',
  'not_stored',
  'database_unavailable',
  'embedding_space_mismatch',
  'document_unreadable',
  'ingest_interrupted',
  'shutting_down',
  'internal_error',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export interface FieldError {
  /** Dotted path into the body, query or headers; empty for the whole. */
  path: string;
  message: string;
}

/** What a client may be told of a failure; also the shape in which a turn's error is stored. */
export interface Failure {
  code: ErrorCode;
  detail: string;
  errors?: FieldError[];
  /** Seconds after which a repeat makes sense. */
  retryAfter?: number;
}

/** An expected failure: its `detail` is written for clients and holds nothing secret; the cause goes to the log only. */
export class ParleyError extends Error implements Failure {
  override readonly name = 'ParleyError';
  readonly code: ErrorCode;
  readonly detail: string;
  readonly errors?: FieldError[];
  readonly retryAfter?: number;

  constructor(failure: Failure, options?: { cause?: unknown }) {
    super(`${failure.code}: ${failure.detail}`, options);
    this.code = failure.code;
    this.detail = failure.detail;
    this.errors = failure.errors;
    this.retryAfter = failure.retryAfter;
  }
}

/** What `error` means to a client: itself when it is ours, else a generic failure that reveals nothing. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ParleyError) {
    const { code, detail, errors, retryAfter } = error;
    return { code, detail, errors, retryAfter };
  }
  return { code: 'internal_error', detail: 'Something went wrong on our side' };
}

/** True for what the operator should hear of: what nobody expected, and a failure whose cause is kept from the client. */
export function isForOperator(error: unknown): boolean {
  const hasCause = error instanceof Error && error.cause !== undefined;
  return hasCause || failureOf(error).code === 'internal_error';
}

/** The one answer for what does not exist and for what is somebody else's. */
export function notFound(what: string): ParleyError {
  return new ParleyError({ code: 'not_found', detail: `${what} not found` });
}

/** The same Idempotency-Key with another request. */
export function keyReused(): ParleyError {
  return new ParleyError({
    code: 'idempotency_key_reused',
    detail: 'This Idempotency-Key was used with another request',
  });
}

/** A single invalid field, as validation would report it. */
export function invalid(path: string, message: string): ParleyError {
  return new ParleyError({ code: 'invalid_request', detail: message, errors: [{ path, message }] });
}
