/** How a router lets a turn be asked for: one way in, and out as a stream or whole, as the client wants it. */
import { failureOf, invalid, notFound } from '../../core/errors.ts';
import { decodeCursor, invalidCursor } from '../../core/cursor.ts';
import { newId } from '../../core/ids.ts';
import { contentOf } from '../../core/parts.ts';
import { readConversation } from '../../store/conversations.ts';
import { findTurnId } from '../../store/turns/read.ts';
import { readOutcome } from '../../turns/follow/read-outcome.ts';
import type { TurnStream, TurnRequest, StreamOptions } from '../../turns/turn-service.ts';
import type { WireName } from '../../wire/wire.ts';
import type { FinishedTurn } from '../../wire/outcome.ts';
import { problemResponse } from '../../wire/problem.ts';
import { turnResponse } from '../../wire/turn-response.ts';
import { EVENT_STREAM_HEADERS, isEventStream } from '../../wire/registry.ts';
import { requiredCaller } from './identify.ts';
import { idempotencyOf } from './idempotency-key.ts';
import type { StreamQuery, TurnFields } from './schemas.ts';
import type { AppContext } from './dependencies.ts';

export interface Ask extends TurnFields {
  conversationId: string;
  create?: TurnRequest['create'];
  /** The path under which the conversation that this makes is found. */
  madeUnder?: string;
  text: string;
}

/** True when the client wants the answer as it comes. */
export function wantsStream(c: AppContext, asked?: boolean): boolean {
  return asked === true || acceptsEvents(c.req.header('accept') ?? '');
}

/** True when event streams are among the media types of an Accept header (RFC 9110 §12.5.1); a weight of 0 means "not that". */
function acceptsEvents(accept: string): boolean {
  return accept
    .toLowerCase()
    .split(',')
    .map((range) => range.split(';').map((piece) => piece.trim()))
    .some(
      ([type, ...parameters]) =>
        type === 'text/event-stream' && !parameters.some((piece) => /^q=0(\.0*)?$/.test(piece)),
    );
}

/**
 * Asks for a turn and answers with it: streamed, or whole by `render`.
 * A turn that ended without any text answers the problem that it ended with.
 */
export async function answerWith(
  c: AppContext,
  ask: Ask,
  render: (turn: FinishedTurn) => Response | Promise<Response>,
): Promise<Response> {
  const streams = wantsStream(c, ask.stream);
  const view = viewOf(ask, streams ? 'native' : 'outcome');
  const command = {
    ...commandOf(c, ask),
    idempotency: await idempotencyOf(c, c.get('caller') ?? ask.conversationId),
  };
  const delivery = await c.get('services').rooms.start(command, view, c.req.raw);
  const head = headOf(delivery, ask.madeUnder);
  if (streams) return streamed(c, delivery, view.wire, head);
  c.set('turnHead', head);
  return whole(c, delivery, render);
}

function headOf(
  { turnId, conversationId }: TurnStream,
  madeUnder?: string,
): Record<string, string> {
  return {
    'X-Turn-Id': turnId,
    'X-Conversation-Id': conversationId,
    ...(madeUnder === undefined ? {} : { Location: `${madeUnder}/${conversationId}` }),
  };
}

async function whole(
  c: AppContext,
  delivery: TurnStream,
  render: (turn: FinishedTurn) => Response | Promise<Response>,
): Promise<Response> {
  const turn = await readOutcome(delivery.body, c.req.raw.signal);
  const isEmpty = contentOf(turn.message.parts) === '';
  return turn.error && isEmpty
    ? problemResponse(turn.error, c.get('requestId'))
    : await render(turn);
}

/** The GETs that an EventSource opens: a first call starts a turn, a reconnect goes on after its cursor. */
export async function answerEventSource(
  c: AppContext,
  { conversationId, query, wire }: { conversationId: string; query: StreamQuery; wire: WireName },
): Promise<Response> {
  const { message, content, model, on_busy, on_disconnect, idempotency_key } = query;
  if (c.req.method === 'HEAD') return headOfStream();
  const view = viewOf({ on_disconnect }, wire, true);
  const cursor = lastEventId(c);
  if (cursor !== undefined) {
    return servingReconnect(wire, () =>
      reconnect(c, { conversationId, userId: c.get('caller') ?? null, cursor, view }),
    );
  }
  const text = message ?? content;
  if (text === undefined) throw invalid('message', 'message (or content) is required');
  const idempotency = await idempotencyOf(c, c.get('caller') ?? conversationId, idempotency_key);
  const command = {
    ...commandOf(c, { conversationId, text, model, on_busy }),
    idempotency,
    joinSameText: true,
  };
  return streamed(c, await c.get('services').rooms.start(command, view, c.req.raw), wire);
}

async function reconnect(
  c: AppContext,
  {
    conversationId,
    userId,
    cursor,
    view,
  }: { conversationId: string; userId: string | null; cursor: string; view: StreamOptions },
): Promise<Response> {
  const { db, rooms } = c.get('services');
  const { sequenceNumber } = decodeCursor(cursor);
  const turnId = await findTurnId(db, { conversationId, sequenceNumber, userId });
  if (turnId === undefined) {
    required(await readConversation(db, { id: conversationId, userId }), 'Conversation');
    throw invalidCursor('The cursor belongs to no turn of this conversation');
  }
  return followed(c, await rooms.follow({ turnId, conversationId }, view, cursor), view.wire);
}

/** What HEAD is told: the headers that GET would have. It starts nothing and follows nobody. */
export function headOfStream(): Response {
  return new Response(null, { headers: EVENT_STREAM_HEADERS });
}

/** A turn that goes on, or 204 when nothing is left, which ends a browser's reconnecting. */
export function followed(
  c: AppContext,
  delivery: TurnStream | undefined,
  wire: WireName,
): Response {
  return delivery ? streamed(c, delivery, wire) : new Response(null, { status: 204 });
}

/** Any 4xx or 5xx would end a browser's reconnecting for good: what may pass is answered by an empty stream that says when to come again. */
export async function servingReconnect(
  wire: WireName,
  serve: () => Promise<Response>,
): Promise<Response> {
  try {
    return await serve();
  } catch (error) {
    const { code, retryAfter = 1 } = failureOf(error);
    if (!isEventStream(wire) || (code !== 'database_unavailable' && code !== 'shutting_down'))
      throw error;
    return new Response(`retry: ${retryAfter * 1000}\n\n`, { headers: EVENT_STREAM_HEADERS });
  }
}

/** The cursor a client comes back with; an empty one is none. */
export function lastEventId(c: AppContext): string | undefined {
  return [c.req.header('last-event-id'), c.req.query('last_event_id')].find(Boolean);
}

/** @param head all that is said of this turn before it begins: to an answer that is made, nothing is added any more */
function streamed(
  c: AppContext,
  delivery: TurnStream,
  wire: WireName,
  head = headOf(delivery),
): Response {
  if (!isEventStream(wire)) throw new Error(`${wire} is not an event stream`);
  return turnResponse(delivery.body, {
    ...EVENT_STREAM_HEADERS,
    ...head,
    // What the app adds to every answer it need not add to this one. For a browser's, CORS has a head of its own to make.
    'X-Request-Id': c.get('requestId'),
    ...(c.req.header('origin') === undefined ? { Vary: 'Origin' } : {}),
  });
}

export function viewOf(
  { on_disconnect }: Pick<TurnFields, 'on_disconnect'>,
  wire: WireName,
  initialId = false,
): StreamOptions {
  // A text-only stream has nothing to say at first, yet its first byte must not wait for the model.
  return {
    wire,
    initialId: initialId || wire === 'text',
    onDisconnect: on_disconnect ?? 'continue',
  };
}

function commandOf(
  c: AppContext,
  { conversationId, create, text, model, on_busy }: Ask,
): TurnRequest {
  return {
    conversationId,
    userId: c.get('caller') ?? null,
    create,
    text,
    model: model ?? null,
    onBusy: on_busy ?? 'reject',
    joinSameText: false,
  };
}

/** A new conversation's id and what it is made of. */
export function newConversation(
  c: AppContext,
  {
    title,
    mode,
    model,
    instructions,
  }: {
    title?: string | null;
    mode?: 'open' | 'rag';
    model?: string | null;
    instructions?: string | null;
  },
) {
  if (model) c.get('services').registry.resolve(model);
  return {
    id: newId(),
    userId: requiredCaller(c),
    title: title ?? null,
    mode: mode ?? ('open' as const),
    model: model ?? null,
    instructions: instructions ?? null,
  };
}

export function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw notFound(what);
  return value;
}
