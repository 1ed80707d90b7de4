/**
 * Responses over a socket: each frame asks for one, and its events come as frames. What comes on a
 * lane (`stream_id`, or none) is answered one after the other; lanes do not wait for each other.
 */
import { z } from '@hono/zod-openapi';
import { ANONYMOUS } from '../../actions/client-chat.ts';
import type { ActionContext, ActionDependencies } from '../../actions/context.ts';
import { failureOf, invalid, notFound, ParleyError } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { parseJson } from '../../core/json.ts';
import { turnIdIn } from '../../wire/responses/ids.ts';
import { responseEvents } from '../../wire/responses/events.ts';
import { BrokenOff } from '../../wire/wire.ts';
import { userNamedIn } from '../shared/client-user.ts';
import { invalidInput } from '../shared/invalid-input.ts';
import { streamAt } from '../shared/placed-turn.ts';
import * as schemas from '../shared/schemas.ts';
import type { Socket } from '../websocket/frame-sink.ts';
import type { ResponseAsker } from './asker.ts';
import { refuseOthers, responseBody } from './body.ts';
import { inputItem } from './input.ts';
import { noteResponse } from './known-responses.ts';
import { inLane } from './lanes.ts';
import { placeOf } from './place-response.ts';
import { sendEvents, tellEvent, tellFailure } from './socket-events.ts';
import { isSteer, steer } from './steer.ts';
import { afterWarmUp, warmUp } from './warm-up.ts';
import { evict, isTooOld, remember, remembers } from './socket-memory.ts';

/** The longest frame of a client in characters: as much history as over HTTP. */
const LONGEST_FRAME = 16_000_000;

const laneName = z
  .string()
  .regex(/^[\w.-]{1,256}$/, 'may have 256 letters, digits, dots, hyphens and underscores');

const createFrame = responseBody.extend({
  type: z.literal('response.create', 'must be response.create or response.steer'),
  stream_id: laneName.nullish(),
  generate: z.boolean().nullish(),
  // After a warm-up there may be nothing more to say.
  input: responseBody.shape.input.or(z.array(inputItem).length(0)),
  user_id: schemas.userId.optional(),
});

type CreateFrame = z.output<typeof createFrame>;

/** The services of a host for a frame. */
export interface FrameHost {
  contextFor(): ActionContext;
  dependencies: ActionDependencies;
}

/**
 * Answers one frame. It never throws: a failure becomes an `error` frame, and where nothing true
 * can be said the socket is closed.
 */
export async function receiveResponseFrame(
  socket: Socket,
  data: string,
  host: FrameHost,
): Promise<void> {
  const given = data.length > LONGEST_FRAME ? undefined : parseJson(data);
  const lane = laneOf(given);
  try {
    if (isSteer(given)) await steerAtOnce(socket, given, host);
    else await inLane(socket, lane ?? '', () => answer(socket, { data, given, lane }, host));
  } catch (error) {
    if (error instanceof BrokenOff) return socket.close?.();
    if (socket.gone.aborted) return;
    const failure = failureOf(error);
    const { log } = host.dependencies;
    if (failure.code === 'internal_error') log.error('a socket of responses failed', { error });
    tellFailure(socket, failure, lane);
  }
}

/** Steers a response without waiting for it: a frame that does has a lane of its own. */
function steerAtOnce(socket: Socket, given: unknown, host: FrameHost): Promise<void> {
  const contextFor = () => callingAs(host.contextFor(), {});
  return inLane(socket, `:${newId()}`, () => steer(socket, given, contextFor));
}

interface Frame {
  data: string;
  given: unknown;
  lane: string | undefined;
}

async function answer(socket: Socket, frame: Frame, host: FrameHost): Promise<void> {
  if (isTooOld(socket)) return refuseOld(socket, frame.lane);
  const given = frameOf(frame);
  try {
    await create(socket, given, frame, host);
  } catch (error) {
    // As Open Responses has it: after a failure nothing goes on from there on this socket.
    const { previous_response_id: previous } = given;
    if (previous) evict(socket, turnIdIn(previous), host.dependencies);
    throw error;
  }
}

async function create(
  socket: Socket,
  given: CreateFrame,
  { data, lane }: Frame,
  host: FrameHost,
): Promise<void> {
  refuseOverSockets(given);
  const { generate, ...asked } = afterWarmUp(socket, given);
  refuseOthers(asked);
  const asker = askerOf(socket, callingAs(host.contextFor(), given), given, data);
  if (generate === false) return warmUp(socket, asker, asked, lane);
  const place = await placeOf(asker, asked);
  const stream = await streamAt(asker.context, place, responseEvents());
  noteResponse(place, stream);
  if ('isKept' in place && !place.isKept) remember(socket, stream, host.dependencies);
  await sendEvents(socket, stream, lane);
}

function askerOf(
  socket: Socket,
  context: ActionContext,
  given: CreateFrame,
  said: string,
): ResponseAsker {
  return {
    context,
    said,
    clientUser: userNamedIn(given),
    isRetry: false,
    keyIn: () => Promise.resolve(undefined),
    remembers: (turnId) => remembers(socket, turnId),
  };
}

/**
 * Returns the context with the user that a frame names, where the socket was opened for nobody.
 * @throws ParleyError `not_found` where it was opened for somebody else
 */
function callingAs(context: ActionContext, given: Partial<CreateFrame>): ActionContext {
  const { principal } = context;
  const isNobodys = principal.kind === 'anyone' && principal.userId === ANONYMOUS;
  if (!isNobodys) {
    if ((given.user_id ?? principal.userId) !== principal.userId) throw notFound('User');
    return context;
  }
  const userId = given.user_id ?? userNamedIn(given);
  return { ...context, principal: { kind: 'anyone', ...(userId ? { userId } : {}) } };
}

/** Checks that nothing is asked for that only requests have. */
function refuseOverSockets({ stream, background }: CreateFrame): void {
  if (stream === false) throw invalid('stream', 'stream: a socket always streams');
  if (background) throw invalid('background', 'background is not supported on a socket');
}

function frameOf({ data, given }: Frame): CreateFrame {
  if (data.length > LONGEST_FRAME) {
    const detail = `A frame may have ${LONGEST_FRAME} characters`;
    throw new ParleyError({ code: 'payload_too_large', detail });
  }
  const frame = createFrame.safeParse(given);
  if (frame.success) return frame.data;
  throw given === undefined
    ? new ParleyError({ code: 'invalid_request', detail: 'A frame must be JSON' })
    : invalidInput(frame.error);
}

function laneOf(given: unknown): string | undefined {
  const named = z.looseObject({ stream_id: laneName }).safeParse(given);
  return named.data?.stream_id;
}

function refuseOld(socket: Socket, lane: string | undefined): void {
  const code = 'websocket_connection_limit_reached';
  const message = 'This connection has been open for 60 minutes. Open another to go on.';
  const error = { type: 'invalid_request_error', code, message, param: null };
  tellEvent(socket, { type: 'error', status: 400, error }, lane);
  socket.close?.();
}
