/** Renders errors for `useChat`, which shows the whole body of an error to its user. */
import type { Problem } from '../../wire/problem.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { renderProblem } from '../shared/render-error.ts';

/** Renders an error as one sentence of plain text, with the status and headers of its problem. */
export async function renderSentence(error: Error, c: AppContext): Promise<Response> {
  const problem = renderProblem(error, c);
  const { detail } = await problem.json<Problem>();
  const headers = new Headers(problem.headers);
  headers.set('Content-Type', 'text/plain; charset=utf-8');
  return new Response(detail, { status: problem.status, headers });
}
