/** Renders errors for `useChat`, which shows the whole body of an error to its user. */
import { failureHead } from '../../wire/problem.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { failureOfRequest } from '../shared/render-error.ts';

/** Renders an error as one sentence of plain text, with the status and headers of its problem. */
export function renderSentence(error: Error, c: AppContext): Response {
  const failure = failureOfRequest(error, c);
  const { status, headers } = failureHead(failure);
  headers.set('Content-Type', 'text/plain; charset=utf-8');
  return new Response(failure.detail, { status, headers });
}
