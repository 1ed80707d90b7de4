/** Failures in the form that OpenAI's clients read. */
import { failureMayPass, type Failure } from '../core/errors.ts';
import { problemOf } from './problem.ts';

/** Waits in seconds that are longer than this a client should not sit out by itself. */
const LONGEST_WAIT = 60;

/** Returns the body of an error. */
export function openAiError(failure: Failure) {
  const { status, code, detail, errors } = problemOf(failure, '');
  const param = errors?.[0]?.path;
  return { error: { message: detail, type: typeOf(status), param: param || null, code } };
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/**
 * Returns the headers of an error. OpenAI's clients repeat a POST by themselves unless they are
 * told not to; after a failure of the model's service that would only ask it again.
 */
export function retryHeaders(failure: Failure, status: number): Record<string, string> {
  const isBusy = status === 429 || failure.code === 'turn_in_progress';
  const isSoon = (failure.retryAfter ?? 0) <= LONGEST_WAIT;
  const shouldRetry = (isBusy || failureMayPass(failure)) && isSoon;
  return shouldRetry ? {} : { 'x-should-retry': 'false' };
}
