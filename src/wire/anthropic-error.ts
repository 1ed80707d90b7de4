/** Failures in the form that Anthropic's clients read. */
import type { Failure } from '../core/errors.ts';
import { problemOf } from './problem.ts';

const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
};

/** Returns the body of an error. */
export function anthropicError(failure: Failure) {
  const { status, detail } = problemOf(failure, '');
  const type = TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
  return { type: 'error' as const, error: { type, message: detail } };
}
