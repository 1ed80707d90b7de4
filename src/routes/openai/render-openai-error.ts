/** Renders errors in the form that OpenAI's clients read. */
import { failureOf, type Failure } from '../../core/errors.ts';
import { openAiError, retryHeaders } from '../../wire/openai-error.ts';
import type { Problem } from '../../wire/problem.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { renderProblem } from '../shared/render-error.ts';

/** Renders an error with the status and headers of its problem. */
export async function renderOpenAiError(error: Error, c: AppContext): Promise<Response> {
  const problem = renderProblem(error, c);
  const { code, detail, errors } = await problem.json<Problem>();
  return answer({ ...failureOf(error), code, detail, ...(errors ? { errors } : {}) }, problem);
}

/** Answers with the failure of a turn. */
export function openAiProblem(failure: Failure, problem: Response): Response {
  return answer(failure, problem);
}

function answer(failure: Failure, problem: Response): Response {
  const headers = new Headers(problem.headers);
  headers.set('Content-Type', 'application/json');
  for (const [name, value] of Object.entries(retryHeaders(failure, problem.status)))
    headers.set(name, value);
  return new Response(JSON.stringify(openAiError(failure)), { status: problem.status, headers });
}
