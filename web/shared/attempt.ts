/** Does what somebody asked for, and says what went wrong and what to do. */
import { ApiError } from '../api/client.ts';
import { formatIn } from './format.ts';
import { clearErrors, notify } from './notices.ts';
import { say, type Word } from './words.ts';

/** The page's words in place of the API's own, which are for developers. */
const EXPLANATIONS: Readonly<Record<string, Word>> = {
  model_rate_limited: 'errorModelBusy',
  model_unavailable: 'errorModelGone',
  model_timeout: 'errorModelGone',
  model_error: 'errorModelGone',
  context_too_long: 'errorTooLong',
  payload_too_large: 'errorTooLarge',
  database_unavailable: 'errorUnavailable',
  shutting_down: 'errorUnavailable',
  turn_in_progress: 'errorBusy',
  quota_exceeded: 'errorQuota',
  rate_limited: 'errorRate',
};

/**
 * Runs something, and tells of a failure. Where the server asks who this is, the reader signs in
 * and it runs again.
 * @param isOffered true for what the notice of a failure offers to try again
 * @returns what it returns; undefined where it failed
 */
export async function attempt<Result>(
  work: () => Promise<Result>,
  { isOffered = false } = {},
): Promise<Result | undefined> {
  clearErrors();
  try {
    return await work();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return signInAndRepeat(work);
    const again = { label: say('tryAgain'), run: () => void attempt(work, { isOffered }) };
    notify(explain(error), { isError: true, ...(isOffered ? { action: again } : {}) });
    return undefined;
  }
}

async function signInAndRepeat<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  const { signIn } = await import('../dialogs/sign-in.ts');
  return (await signIn()) ? attempt(work) : undefined;
}

/** Returns what the page says of a failure. A mistake of the page itself is thrown again. */
export function explain(error: unknown): string {
  if (error instanceof ApiError) return explainProblem(error);
  if (error instanceof TypeError)
    return say(navigator.onLine ? 'errorUnreachable' : 'errorOffline');
  throw error;
}

/** Returns what the page says of a problem of the API. */
export function explainProblem(problem: {
  code?: string | undefined;
  message?: string;
  detail?: string;
  retryAfter?: number | undefined;
}): string {
  const word = EXPLANATIONS[problem.code ?? ''];
  const text = word ? say(word) : (problem.detail ?? problem.message ?? say('errorUnknown'));
  if (problem.retryAfter === undefined) return text;
  return `${text} ${say('tryAgainIn', { time: formatIn(problem.retryAfter) })}`;
}
