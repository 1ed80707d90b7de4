/** The answer that streams a turn. */
const bodies = new WeakMap<Response, ReadableStream<Uint8Array>>();

/** An answer whose body {@link turnBodyOf} finds again. @param body as `streamTurn` makes it */
export function turnResponse(
  body: ReadableStream<Uint8Array>,
  headers: Record<string, string>,
): Response {
  const response = new Response(body, { headers });
  bodies.set(response, body);
  return response;
}

/**
 * The body that an answer was made with; undefined when it streams no turn. Asking the answer itself makes Node's adapter build another one around it, which is done only
 * where a middleware has done so already.
 */
export function turnBodyOf(response: Response): ReadableStream<Uint8Array> | undefined {
  const known = bodies.get(response);
  if (known) return known;
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
  return (isStream ? response.body : undefined) ?? undefined;
}
