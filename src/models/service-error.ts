/** Reads what a model's service said when it failed, in each form in which the SDK passes it on. */
import { APICallError, JSONParseError, TypeValidationError } from '@ai-sdk/provider';
import { BrokenStreamError, ReportedError } from './chat-stream/reported-error.ts';
import { isRecord } from '../core/json.ts';

export interface ServiceError {
  /** The HTTP status, or the one that an error inside a stream corresponds to. */
  status: number | undefined;
  /** The body of the answer, or the error inside the stream; may be empty. */
  words: string;
  headers: Record<string, string>;
  url: string | undefined;
}

/** Returns what the service said; undefined when the error did not come from a service. */
export function serviceErrorOf(error: unknown): ServiceError | undefined {
  if (APICallError.isInstance(error)) {
    const { statusCode: status, responseBody: words = '', responseHeaders, url } = error;
    return { status, words, headers: responseHeaders ?? {}, url };
  }
  if (error instanceof ReportedError) {
    const { statusCode: status, responseBody: words } = error;
    return { status, words, headers: {}, url: undefined };
  }
  return isRecord(error) && !(error instanceof Error) ? reportOf(error) : undefined;
}

/** Reads an error inside a stream that a provider passed on without our reader. */
function reportOf(error: Readonly<Record<string, unknown>>): ServiceError {
  const status = Number(error['statusCode'] ?? error['code']);
  const isStatus = status >= 400 && status <= 599;
  const words = JSON.stringify(error);
  return { status: isStatus ? status : undefined, words, headers: {}, url: undefined };
}

/** Returns true when a service answered with an error status: it did no work, and counts none. */
export function isRefusedByStatus(error: unknown): boolean {
  return APICallError.isInstance(error) && (error.statusCode ?? 0) >= 400;
}

/** Returns true when the stream itself cannot be read, rather than the service having failed. */
export function isBroken(error: unknown): boolean {
  return JSONParseError.isInstance(error) || TypeValidationError.isInstance(error);
}

/**
 * Returns true when the service reported a failure, rather than the stream or connection breaking.
 */
export function isServiceError(error: unknown): boolean {
  return !isBroken(error) && !(error instanceof BrokenStreamError);
}
