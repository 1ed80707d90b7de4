/** What went wrong with the model's service, in words a client may read: nothing the service said, no key and no address is passed on. */
import {
  APICallError,
  JSONParseError,
  LoadAPIKeyError,
  TypeValidationError,
} from '@ai-sdk/provider';
import { ParleyError, type ErrorCode, type Failure } from '../chat/errors.ts';

/** The one sentence for whatever the service does wrong. */
export const UNAVAILABLE = 'AI service temporarily unavailable';

/** Longest Retry-After that is passed on, in seconds. */
const LONGEST_RETRY_AFTER = 24 * 60 * 60;

export function modelFailure(code: ErrorCode, retryAfter?: number): Failure {
  return { code, detail: UNAVAILABLE, ...(retryAfter === undefined ? {} : { retryAfter }) };
}

/** The failure that an error thrown or streamed by a provider stands for. */
export function failureOfModel(error: unknown): Failure {
  if (error instanceof ParleyError)
    return {
      code: error.code,
      detail: error.detail,
      errors: error.errors,
      retryAfter: error.retryAfter,
    };
  if (APICallError.isInstance(error))
    return failureOfStatus(error.statusCode, error.responseHeaders ?? {});
  if (LoadAPIKeyError.isInstance(error) || isBroken(error)) return modelFailure('model_error');
  return modelFailure('model_unavailable');
}

function failureOfStatus(status: number | undefined, headers: Record<string, string>): Failure {
  const retryAfter = retryAfterIn(headers);
  if (status === 429) return modelFailure('model_rate_limited', retryAfter ?? 1);
  if (status === 408 || status === 504) return modelFailure('model_timeout', retryAfter);
  if (status === undefined || status >= 500) return modelFailure('model_unavailable', retryAfter);
  return modelFailure('model_error');
}

/** Seconds; RFC 9110 §10.2.3 allows a number or a date. */
function retryAfterIn(headers: Record<string, string>): number | undefined {
  const value = headers['retry-after'];
  if (value === undefined) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(value.trim())
    ? Number(value)
    : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds)
    ? Math.min(Math.max(Math.ceil(seconds), 0), LONGEST_RETRY_AFTER)
    : undefined;
}

/** True when the stream itself was broken (a frame that cannot be read), rather than the service having said that it failed. */
export function isBroken(error: unknown): boolean {
  return JSONParseError.isInstance(error) || TypeValidationError.isInstance(error);
}
