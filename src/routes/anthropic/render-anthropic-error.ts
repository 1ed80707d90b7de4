/** Renders errors in the form that Anthropic's clients read. */
import type { Failure } from '../../core/errors.ts';
import { anthropicError } from '../../wire/anthropic-error.ts';
import { retryHeaders } from '../../wire/openai-error.ts';
import { failureHead } from '../../wire/problem.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { failureOfRequest } from '../shared/render-error.ts';

/** Renders an error with the status and headers of its problem. */
export function renderAnthropicError(error: Error, c: AppContext): Response {
  return anthropicResponse(failureOfRequest(error, c));
}

/** Answers with a failure. Anthropic's package repeats requests by the rules of OpenAI's. */
export function anthropicResponse(failure: Failure): Response {
  const { status, headers } = failureHead(failure);
  headers.set('Content-Type', 'application/json');
  for (const [name, value] of Object.entries(retryHeaders(failure, status)))
    headers.set(name, value);
  return new Response(JSON.stringify(anthropicError(failure)), { status, headers });
}
