/** The answer that streams a turn. */

interface TurnAnswer {
  body: ReadableStream<Uint8Array>;
  /** All of them: what sends the answer need not ask it, which would make `Headers` of them first. */
  headers: Readonly<Record<string, string>>;
}

/** Kept on the answer: what a `WeakMap` holds outlives, with the whole turn behind it, all collections of garbage but the great ones. */
const TURN = Symbol('turn');

type MaybeTurn = Response & { [TURN]?: TurnAnswer };

/**
 * An answer of which {@link turnOf} finds again what it was made of.
 * @param body as `streamTurn` makes it
 * @param headers whole: nobody adds to them
 */
export function turnResponse(
  body: ReadableStream<Uint8Array>,
  headers: Readonly<Record<string, string>>,
): Response {
  const turn: TurnAnswer = { body, headers };
  return Object.assign(new Response(body, { headers }), { [TURN]: turn });
}

/** True for an answer that `turnResponse` made: whatever belongs into its head is there. */
export function isTurnResponse(response: MaybeTurn): boolean {
  return response[TURN] !== undefined;
}

/**
 * What streams a turn; undefined for any other answer. Asking the answer itself makes Node's adapter build another one around it, which is done only
 * where a middleware has done so already.
 */
export function turnOf(response: MaybeTurn): TurnAnswer | undefined {
  if (response[TURN]) return response[TURN];
  const { headers } = response;
  if (!headers.get('content-type')?.startsWith('text/event-stream')) return undefined;
  const { body } = response;
  return body ? { body, headers: Object.fromEntries(headers) } : undefined;
}
