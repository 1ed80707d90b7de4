/** Renders the errors of our routers as `application/problem+json`. */
import { HTTPException } from 'hono/http-exception';
import { failureOf, isForOperator, type Failure } from '../../core/errors.ts';
import { problemResponse } from '../../wire/problem.ts';
import type { AppContext } from './dependencies.ts';
import { unknownMediaType } from './prepare-request.ts';
import { isForm } from './request-body.ts';

export type RenderError = (error: Error, c: AppContext) => Response;

/** Renders an error as a problem document. */
export function renderProblem(error: Error, c: AppContext): Response {
  return problemResponse(failureOfRequest(error, c), c.get('requestId'));
}

/** Returns what the client may see of an error, and logs what the operator should. */
export function failureOfRequest(error: Error, c: AppContext): Failure {
  if (error instanceof HTTPException) {
    // The framework throws this when it reads a body without a type.
    if (error.status === 415) return unknownMediaType(false);
    const what = isForm(c.req.header('content-type')) ? 'a valid form' : 'valid JSON';
    return { code: 'invalid_request', detail: `The body is not ${what}` };
  }
  // Reading fails when the client has disconnected; nobody sees the response, and nothing is wrong.
  const isGone = c.req.raw.signal.aborted;
  if (!isGone && isForOperator(error))
    c.get('dependencies').log.error('a request failed', { request_id: c.get('requestId'), error });
  return failureOf(error);
}
