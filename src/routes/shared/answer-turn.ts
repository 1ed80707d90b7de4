/** Starts a turn for a route and answers with it, as a stream or whole, as the client wants. */
import { runTurn, startTurn, type TurnAsk } from '../../actions/start-turn.ts';
import { invalidCursor } from '../../core/cursor.ts';
import type { FinishedTurn } from '../../core/message.ts';
import { contentOf } from '../../core/parts.ts';
import { userIdOf } from '../../core/principal.ts';
import type { Key } from '../../store/idempotency-keys.ts';
import { findTurnByKey } from '../../store/turns/read.ts';
import type { StreamOptions, TurnRun } from '../../turns/turn-service.ts';
import { nativeSse } from '../../wire/native-sse.ts';
import { problemResponse } from '../../wire/problem.ts';
import { limitHeaders } from '../../wire/limits-view.ts';
import type { Wire } from '../../wire/wire.ts';
import { actionContext, type AppContext } from './dependencies.ts';
import { idempotencyKey } from './idempotency-key.ts';
import { parametersOf } from './parameters.ts';
import type { TurnFields } from './schemas.ts';
import {
  lastEventId,
  reconnect,
  serveReconnect,
  streamOrNothing,
  streamTurn,
  turnHeaders,
} from './stream-turn.ts';
import { wholeTurn } from './whole-turn.ts';

/** A request for a turn, with what the response needs. */
export interface Posted {
  ask: Pick<TurnAsk, 'conversationId' | 'create' | 'input'>;
  fields: TurnFields;
  /** The path under which clients find the conversation that the request makes. */
  madeUnder?: string;
  /** The wire of a streamed answer. */
  wire?: Wire;
}

/** Returns true when the client wants a stream. */
export function wantsStream(c: AppContext, asked?: boolean): boolean {
  return asked === true || acceptsEvents(c.req.header('accept') ?? '');
}

/**
 * Returns true when an Accept header takes event streams (RFC 9110 §12.5.1); a weight of 0 means
 * "not that".
 */
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
 * Starts a turn and answers with it, streamed or rendered whole. A request that carries a cursor
 * starts nothing and continues after the cursor.
 */
export async function answerTurn(
  c: AppContext,
  posted: Posted,
  render: (turn: FinishedTurn) => object | Promise<object>,
): Promise<Response> {
  const { ask, fields, madeUnder, wire = nativeSse } = posted;
  const scope = userIdOf(c.get('principal')) ?? ask.conversationId ?? '';
  const idempotency = await idempotencyKey(c, { scope });
  const options = streamOptions(wire, fields);
  const cursor = lastEventId(c);
  if (cursor !== undefined)
    return comeBack(c, { conversationId: ask.conversationId, idempotency, cursor, options });
  const context = actionContext(c);
  const whole = {
    ...ask,
    model: fields.model,
    parameters: parametersOf(fields),
    onBusy: fields.on_busy,
    idempotency,
  };
  if (wantsStream(c, fields.stream)) {
    const stream = await startTurn(context, whole, options);
    return streamTurn(c, stream, wire, turnHeaders(stream, madeUnder));
  }
  const run = await runTurn(context, whole, options.onDisconnect);
  c.set('turn', run);
  c.set('turnHeaders', turnHeaders(run, madeUnder));
  return answerWhole(c, run, render);
}

/** Answers with a whole turn; a turn that ended without text is answered with its problem. */
async function answerWhole(
  c: AppContext,
  run: TurnRun,
  render: (turn: FinishedTurn) => object | Promise<object>,
): Promise<Response> {
  const turn = await run.finished(c.req.raw.signal);
  // What is left now, and not when the turn was accepted.
  c.set('turnHeaders', { ...c.get('turnHeaders'), ...limitHeaders(turn.limits) });
  const { firstTokenMs, durationMs } = turn.message;
  c.set('timings', { 'first-token': firstTokenMs, turn: durationMs });
  const isEmpty = contentOf(turn.message.parts) === '';
  return turn.error && isEmpty
    ? problemResponse(turn.error, c.get('requestId'))
    : wholeTurn(c, await render(turn));
}

/**
 * Continues a stream. Event sources built on fetch repeat the POST with the id of the last event
 * that they received.
 */
function comeBack(
  c: AppContext,
  {
    conversationId,
    idempotency,
    cursor,
    options,
  }: {
    conversationId: string | undefined;
    idempotency: Key | undefined;
    cursor: string;
    options: StreamOptions;
  },
): Promise<Response> {
  return serveReconnect(options.wire, async () => {
    const { db, turns } = c.get('dependencies');
    const turn = idempotency && (await findTurnByKey(db, idempotency));
    if (turn) return streamOrNothing(c, await turns.follow(turn, options, cursor), options.wire);
    if (conversationId !== undefined) return reconnect(c, { conversationId, cursor, options });
    throw invalidCursor(
      'Without an Idempotency-Key the cursor of a new conversation names no turn',
    );
  });
}

/**
 * Returns the options for streaming a turn.
 * @param initialId whether an id without data is sent at once
 */
export function streamOptions(
  wire: Wire,
  { on_disconnect }: Pick<TurnFields, 'on_disconnect'>,
  initialId = false,
): StreamOptions {
  return { wire, initialId, onDisconnect: on_disconnect ?? 'continue' };
}
