/** The answer that streams a turn. */

interface TurnAnswer {
  body: ReadableStream<Uint8Array>;
  /** All of them: what sends the answer need not ask it, which would make `Headers` of them first. */
  headers: Readonly<Record<string, string>>;
}

const answers = new WeakMap<Response, TurnAnswer>();

/**
 * An answer of which {@link turnOf} finds again what it was made of.
 * @param body as `streamTurn` makes it
 * @param headers whole: nobody adds to them
 */
export function turnResponse(
  body: ReadableStream<Uint8Array>,
  headers: Readonly<Record<string, string>>,
): Response {
  const response = new Response(body, { headers });
  answers.set(response, { body, headers });
  return response;
}

/** True for an answer that `turnResponse` made: whatever belongs into its head is there. */
export function isTurnResponse(response: Response): boolean {
  return answers.has(response);
}

/**
 * What streams a turn; undefined for any other answer. Asking the answer itself makes Node's adapter build another one around it, which is done only
 * where a middleware has done so already.
 */
export function turnOf(response: Response): TurnAnswer | undefined {
  const known = answers.get(response);
  if (known) return known;
  const { headers } = response;
  if (!headers.get('content-type')?.startsWith('text/event-stream')) return undefined;
  const { body } = response;
  return body ? { body, headers: Object.fromEntries(headers) } : undefined;
}
