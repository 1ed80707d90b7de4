/** What went wrong with the model's service, in words a client may read: nothing the service said, no key and no address is passed on. */
import {
  APICallError,
  JSONParseError,
  LoadAPIKeyError,
  TypeValidationError,
} from '@ai-sdk/provider';
import { ParleyError, type ErrorCode, type Failure } from '../core/errors.ts';

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
  if (APICallError.isInstance(error)) return failureOfStatus(error.statusCode, retryAfterOf(error));
  if (LoadAPIKeyError.isInstance(error) || isBroken(error)) return modelFailure('model_error');
  return modelFailure('model_unavailable');
}

function failureOfStatus(status: number | undefined, retryAfter: number | undefined): Failure {
  if (status === 429) return modelFailure('model_rate_limited', retryAfter ?? 1);
  if (status === 408 || status === 504) return modelFailure('model_timeout', retryAfter);
  if (status === undefined || status >= 500) return modelFailure('model_unavailable', retryAfter);
  return modelFailure('model_error');
}

/** Returns whole seconds until a repeat makes sense, if the service says so. */
function retryAfterOf(error: APICallError): number | undefined {
  const milliseconds = retryAfterMsOf(error);
  return milliseconds === undefined ? undefined : Math.ceil(milliseconds / 1000);
}

/** Returns the milliseconds until a repeat makes sense, wherever the service says so. */
export function retryAfterMsOf({
  responseHeaders = {},
  responseBody = '',
}: APICallError): number | undefined {
  const milliseconds = secondsIn(responseHeaders['retry-after-ms']);
  const seconds =
    // OpenAI's own header, which is more exact than the standard's.
    (milliseconds !== undefined ? milliseconds / 1000 : undefined) ??
    secondsIn(responseHeaders['retry-after']) ??
    // Gemini has no header for it: google.rpc.RetryInfo, a duration in the error's details.
    secondsIn(/"retryDelay":\s*"(\d+(?:\.\d+)?)s"/.exec(responseBody)?.[1]);
  if (seconds === undefined) return undefined;
  return 1000 * Math.min(Math.max(seconds, 0), LONGEST_RETRY_AFTER);
}

/** RFC 9110 §10.2.3 allows a number or a date. */
function secondsIn(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const isNumber = /^\d+(\.\d+)?$/.test(value.trim());
  const seconds = isNumber ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? seconds : undefined;
}

/** What an operator needs to know of such an error. Never what was sent or answered: it may hold a key, or what users say. */
export function describeModelError(error: unknown): string {
  if (error instanceof ParleyError) return error.code;
  if (!(error instanceof Error)) return 'reported by the service';
  const words = [error.name];
  if (APICallError.isInstance(error) && error.statusCode !== undefined)
    words.push(String(error.statusCode));
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string')
    words.push(cause.code);
  return words.join(' ');
}

/** True when the stream itself was broken (a frame that cannot be read), rather than the service having said that it failed. */
export function isBroken(error: unknown): boolean {
  return JSONParseError.isInstance(error) || TypeValidationError.isInstance(error);
}
