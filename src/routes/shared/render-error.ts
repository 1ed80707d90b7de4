/** Renders the errors of our routers as `application/problem+json`. */
import { HTTPException } from 'hono/http-exception';
import { failureOf, isForOperator } from '../../core/errors.ts';
import { problemResponse } from '../../wire/problem.ts';
import type { AppContext } from './dependencies.ts';
import { unknownMediaType } from './prepare-request.ts';
import { isForm } from './request-body.ts';

export type RenderError = (error: Error, c: AppContext) => Response | Promise<Response>;

/** Renders an error as a problem document. */
export function renderProblem(error: Error, c: AppContext): Response {
  const requestId = c.get('requestId');
  if (error instanceof HTTPException) {
    // The framework throws this when it reads a body without a type.
    if (error.status === 415) return problemResponse(unknownMediaType(false), requestId);
    const what = isForm(c.req.header('content-type')) ? 'a valid form' : 'valid JSON';
    return problemResponse(
      { code: 'invalid_request', detail: `The body is not ${what}` },
      requestId,
    );
  }
  // Reading fails when the client has disconnected; nobody sees the response, and nothing is wrong.
  const isGone = c.req.raw.signal.aborted;
  if (!isGone && isForOperator(error))
    c.get('dependencies').log.error('a request failed', { request_id: requestId, error });
  return problemResponse(failureOf(error), requestId);
}
