/** Streams turns, from the start or from the cursor of a client that reconnects. */
import { invalidCursor, decodeCursor } from '../../core/cursor.ts';
import { failureMayPass, failureOf } from '../../core/errors.ts';
import { readConversation } from '../../store/conversations.ts';
import { findTurnId } from '../../store/turns/read.ts';
import type { StreamOptions, TurnAddress, TurnStream } from '../../turns/turn-service.ts';
import { limitHeaders } from '../../wire/limits-view.ts';
import type { Wire } from '../../wire/wire.ts';
import type { AppContext } from './dependencies.ts';
import { required } from './required.ts';
import { requireTicketFor } from './ticket.ts';

/**
 * Returns the headers that name a turn.
 * @param madeUnder the path under which clients find its new conversation
 */
export function turnHeaders(
  { turnId, conversationId, limits }: TurnAddress & Pick<TurnStream, 'limits'>,
  madeUnder?: string,
): Record<string, string> {
  return {
    'X-Turn-Id': turnId,
    'X-Conversation-Id': conversationId,
    ...limitHeaders(limits),
    ...(madeUnder === undefined ? {} : { Location: `${madeUnder}/${conversationId}` }),
  };
}

/** Answers with the stream of a turn. */
export function streamTurn(
  c: AppContext,
  stream: TurnStream,
  wire: Wire,
  headers = turnHeaders(stream),
): Response {
  c.set('turn', stream);
  return c.get('dependencies').sendTurn(c, stream, { ...wire.headers, ...headers });
}

/**
 * Answers with the rest of a turn, or with 204 when nothing is left, which stops a browser from
 * reconnecting.
 */
export function streamOrNothing(
  c: AppContext,
  stream: TurnStream | undefined,
  wire: Wire,
): Response {
  return stream ? streamTurn(c, stream, wire) : new Response(null, { status: 204 });
}

/** Answers HEAD with the headers that GET would have. It starts and follows no turn. */
export function headOfStream(wire: Wire): Response {
  return new Response(null, { headers: wire.headers });
}

/**
 * Continues the turn of a conversation that a cursor belongs to.
 * @throws ParleyError `invalid_cursor`, `not_found`
 */
export async function reconnect(
  c: AppContext,
  {
    conversationId,
    cursor,
    options,
  }: { conversationId: string; cursor: string; options: StreamOptions },
): Promise<Response> {
  const { db, turns } = c.get('dependencies');
  const principal = c.get('principal');
  const { sequenceNumber } = decodeCursor(cursor);
  const turnId = await findTurnId(db, { conversationId, sequenceNumber, principal });
  if (turnId === undefined) {
    required(await readConversation(db, { id: conversationId, principal }), 'Conversation');
    throw invalidCursor('The cursor belongs to no turn of this conversation');
  }
  await requireTicketFor(c, turnId);
  const stream = await turns.follow({ turnId, conversationId }, options, cursor);
  return streamOrNothing(c, stream, options.wire);
}

/**
 * Answers a reconnect. A 4xx or 5xx would stop a browser from reconnecting for good, so a temporary
 * failure is answered with an empty stream that sets the reconnection time.
 */
export async function serveReconnect(
  wire: Wire,
  serve: () => Promise<Response>,
): Promise<Response> {
  try {
    return await serve();
  } catch (error) {
    const failure = failureOf(error);
    if (!wire.isEventStream || !failureMayPass(failure)) throw error;
    return new Response(`retry: ${(failure.retryAfter ?? 1) * 1000}\n\n`, {
      headers: wire.headers,
    });
  }
}

/** Returns the cursor of a reconnecting client; an empty one counts as none. */
export function lastEventId(c: AppContext): string | undefined {
  const inQuery = [c.req.query('last_event_id'), c.req.query('lastEventId')];
  return [c.req.header('last-event-id'), ...inQuery].find(Boolean);
}
