/** What a model's service said when it failed, in whichever of the SDK's forms that arrives. */
import { APICallError, JSONParseError, TypeValidationError } from '@ai-sdk/provider';
import { BrokenStreamError, ReportedError } from './chat-stream/reported-error.ts';
import { isRecord } from './chat-stream/record.ts';

export interface ServiceError {
  /** The status of HTTP, or the one that an error inside a stream stands for. */
  status: number | undefined;
  /** The body of the answer, or the report inside the stream; may be empty. */
  words: string;
  headers: Record<string, string>;
  url: string | undefined;
}

/** Returns what the service said; undefined when the error is no word of a service's. */
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

/** An error inside a stream, as a provider that has no reader of ours passes it on. */
function reportOf(error: Readonly<Record<string, unknown>>): ServiceError {
  const status = Number(error['statusCode'] ?? error['code']);
  const isStatus = status >= 400 && status <= 599;
  const words = JSON.stringify(error);
  return { status: isStatus ? status : undefined, words, headers: {}, url: undefined };
}

/** True when the stream itself cannot be read, rather than the service having failed. */
export function isBroken(error: unknown): boolean {
  return JSONParseError.isInstance(error) || TypeValidationError.isInstance(error);
}

/** True when the service said that it failed, rather than the stream or the connection breaking. */
export function isServiceError(error: unknown): boolean {
  return !isBroken(error) && !(error instanceof BrokenStreamError);
}
