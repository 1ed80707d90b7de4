/**
 * Converts failures of a model's service to errors that a client may read. No message, key or
 * address of the service is passed on.
 */
import { LoadAPIKeyError } from '@ai-sdk/provider';
import { ParleyError, type ErrorCode, type Failure } from '../core/errors.ts';
import { isBroken, serviceErrorOf, type ServiceError } from './service-error.ts';

/** The message for failures that may pass, or that the operator must fix. */
export const UNAVAILABLE = 'AI service temporarily unavailable';

/** The messages for requests that would be refused again. */
const REFUSED: Partial<Record<ErrorCode, string>> = {
  context_too_long: 'The conversation is too long for this model',
  model_refused: 'The model refused this request',
};

/** Longest Retry-After that is passed on, in seconds. */
const LONGEST_RETRY_AFTER = 24 * 60 * 60;

export function modelFailure(code: ErrorCode, retryAfter?: number): Failure {
  const detail = REFUSED[code] ?? UNAVAILABLE;
  return { code, detail, ...(retryAfter === undefined ? {} : { retryAfter }) };
}

/** Returns the failure for an error that a provider threw or streamed. */
export function failureOfModel(error: unknown): Failure {
  if (error instanceof ParleyError) {
    const { code, detail, errors, retryAfter, isReduced, limits, violated } = error;
    return { code, detail, errors, retryAfter, isReduced, limits, violated };
  }
  if (LoadAPIKeyError.isInstance(error)) return modelFailure('model_unauthorized');
  if (isBroken(error)) return modelFailure('model_error');
  const said = serviceErrorOf(error);
  return said ? failureOfService(said) : modelFailure('model_unavailable');
}

function failureOfService(said: ServiceError): Failure {
  const { status } = said;
  if (status === 402 || status === 429) return failureOfLimit(said);
  if (status === 408 || status === 504) return modelFailure('model_timeout', retryAfterOf(said));
  if (status === undefined || status >= 500)
    return isTooLong(said)
      ? modelFailure('context_too_long')
      : modelFailure('model_unavailable', retryAfterOf(said));
  return modelFailure(codeOfRefusal(status, said));
}

/** The seconds after which it makes sense to look whether the operator has more quota. */
const QUOTA_RETRY_AFTER = 3_600;
const NO_QUOTA = /quota|billing|balance|credits?\b/i;

/**
 * Tells a spent quota from too many requests at once. Services call both a quota; the one that
 * comes back by itself is told with the time to wait.
 */
function failureOfLimit(said: ServiceError): Failure {
  const retryAfter = retryAfterOf(said);
  const isSpent = said.status === 402 || (retryAfter === undefined && NO_QUOTA.test(said.words));
  return isSpent
    ? modelFailure('model_quota_exceeded', retryAfter ?? QUOTA_RETRY_AFTER)
    : modelFailure('model_rate_limited', retryAfter ?? 1);
}

/** Matches the words with which many services say that a request has too many tokens. */
const TOO_LONG =
  /context_?(?:length|window|size)|context (?:length|window|size)|maximum (?:context|number of tokens)|(?:prompt|input|request)[^.]{0,60} (?:is )?too (?:long|large)|too many (?:input )?tokens|tokens[^.]{0,60} exceeds?|exceeds?[^.]{0,60}tokens|reduce the length/i;
const BAD_KEY =
  /api.?key[^.]{0,40}(?:invalid|not valid|expired|incorrect|missing)|(?:invalid|incorrect|expired)[ _]api[ _]?key|api_key_invalid/i;
const NO_SUCH_MODEL =
  /model_?(?:not_?found|decommissioned)|no such model|unknown model|model[^.]{0,80}(?:does not exist|not found|is not available|has been decommissioned)/i;
const FLAGGED = /moderation|flagged|content.?(?:filter|policy|management)|safety/i;

/**
 * Returns the error code for a refusal.
 * @param status from 400 to 499
 */
function codeOfRefusal(status: number, said: ServiceError): ErrorCode {
  if (status === 413 || isTooLong(said)) return 'context_too_long';
  if (status === 401) return 'model_unauthorized';
  if (status === 403) return FLAGGED.test(said.words) ? 'model_refused' : 'model_unauthorized';
  if (status === 404) return 'model_not_found';
  if (status !== 400 && status !== 422) return 'model_error';
  if (BAD_KEY.test(said.words)) return 'model_unauthorized';
  return NO_SUCH_MODEL.test(said.words) ? 'model_not_found' : 'model_refused';
}

function isTooLong({ words }: ServiceError): boolean {
  return TOO_LONG.test(words);
}

/** Returns true when the service's own words rule out that tools were what it refused. */
export function isAboutTheRequest(error: unknown): boolean {
  const { code } = failureOfModel(error);
  return code === 'context_too_long' || code === 'model_unauthorized';
}

/** Returns the whole seconds after which a retry makes sense, if the service says so. */
function retryAfterOf(said: ServiceError): number | undefined {
  const milliseconds = retryAfterMsIn(said);
  return milliseconds === undefined ? undefined : Math.ceil(milliseconds / 1000);
}

/** Returns the milliseconds after which a retry makes sense, if the service says so. */
export function retryAfterMsOf(error: unknown): number | undefined {
  const said = serviceErrorOf(error);
  return said && retryAfterMsIn(said);
}

function retryAfterMsIn({ headers, words }: ServiceError): number | undefined {
  const seconds =
    // OpenAI's own header, which is more exact than the standard one.
    millisecondsIn(headers['retry-after-ms']) ??
    secondsIn(headers['retry-after']) ??
    // Gemini has no header for this, but a google.rpc.RetryInfo with a duration in the error's
    // details.
    secondsIn(/"retryDelay":\s*"(\d+(?:\.\d+)?)s"/.exec(words)?.[1]);
  if (seconds === undefined) return undefined;
  return 1000 * Math.min(Math.max(seconds, 0), LONGEST_RETRY_AFTER);
}

function millisecondsIn(value: string | undefined): number | undefined {
  return value !== undefined && isNumber(value) ? Number(value) / 1000 : undefined;
}

/** Parses Retry-After. RFC 9110 §10.2.3 allows a number or a date. */
function secondsIn(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = isNumber(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? seconds : undefined;
}

function isNumber(value: string): boolean {
  return /^\d+(\.\d+)?$/.test(value.trim());
}
