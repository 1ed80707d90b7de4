/** Recognises services that refuse the mere offer of tools, each with a status of its own. */
import { isAboutTheRequest } from './failure.ts';
import { serviceErrorOf } from './service-error.ts';

/** Statuses that mean something else, unless the message is about tools. */
const ANOTHER_REASON = new Set([401, 403, 408, 429, 502, 503, 504]);
const ABOUT_TOOLS = /\btools?\b|tool_|function.?call|functions?\b/i;

/** Returns true when the service may have refused the request for its tools. */
export function isToolRefusal(error: unknown): boolean {
  const said = serviceErrorOf(error);
  if (!said) return false;
  if (ABOUT_TOOLS.test(said.words)) return true;
  if (said.status === undefined || ANOTHER_REASON.has(said.status)) return false;
  return said.status >= 400 && !isAboutTheRequest(error);
}

/** Returns true when the refusal is permanent, rather than possibly a passing failure. */
export function isLastingRefusal(error: unknown): boolean {
  const { status = 500, words = '' } = serviceErrorOf(error) ?? {};
  return status < 500 || status === 501 || ABOUT_TOOLS.test(words);
}
