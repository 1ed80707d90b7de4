/** Renders errors in the form that OpenAI's clients read. */
import type { Failure } from '../../core/errors.ts';
import { openAiError, retryHeaders } from '../../wire/openai-error.ts';
import { openAiLimitHeaders } from '../../wire/limits-view.ts';
import { failureHead } from '../../wire/problem.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { failureOfRequest } from '../shared/render-error.ts';

/** Renders an error with the status and headers of its problem. */
export function renderOpenAiError(error: Error, c: AppContext): Response {
  return openAiResponse(failureOfRequest(error, c));
}

/** Answers with a failure. */
export function openAiResponse(failure: Failure): Response {
  const { status, headers } = failureHead(failure);
  headers.set('Content-Type', 'application/json');
  const more = { ...openAiLimitHeaders(failure.limits), ...retryHeaders(failure, status) };
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
  return new Response(JSON.stringify(openAiError(failure)), { status, headers });
}
