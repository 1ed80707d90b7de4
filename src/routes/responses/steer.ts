/**
 * Steering over a socket: `response.steer` brings what the user says while a response is under way.
 * It joins that response at its next step, or is answered by one that follows.
 */
import { z } from '@hono/zod-openapi';
import type { ActionContext } from '../../actions/context.ts';
import { startTurn } from '../../actions/start-turn.ts';
import { failureOf, invalid, notFound, ParleyError, type ErrorCode } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { recordOf, textOf } from '../../core/json.ts';
import type { StoredTurn } from '../../core/message.ts';
import { readTurn } from '../../store/turns/read.ts';
import type { TurnStream } from '../../turns/turn-service.ts';
import { responseEvents } from '../../wire/responses/events.ts';
import { responseId, turnIdIn } from '../../wire/responses/ids.ts';
import { BrokenOff } from '../../wire/wire.ts';
import { streamOptions } from '../shared/answer-turn.ts';
import { invalidInput } from '../shared/invalid-input.ts';
import * as schemas from '../shared/schemas.ts';
import type { Socket } from '../websocket/frame-sink.ts';
import { inputItem, itemsIn } from './input.ts';
import { attachmentsOf, partsOf } from './said-in-items.ts';
import { laneOfTurn, sendFollowing, tellEvent } from './socket-events.ts';

const userMessage = inputItem.extend({
  type: z.literal('message').nullish(),
  role: z.literal('user'),
});

const STEER = 'response.steer';

const steerFrame = z.looseObject({
  type: z.literal(STEER),
  previous_response_id: z.string().min(1).max(200),
  input: z.union([schemas.messageText, z.array(userMessage).min(1)]),
});

type SteerFrame = z.output<typeof steerFrame>;

/** OpenAI's codes, by ours. */
const CODES: Partial<Record<ErrorCode, string>> = {
  not_found: 'response_not_found',
  invalid_request: 'invalid_input',
  queue_full: 'too_many_pending_steers',
  turn_in_progress: 'response_already_completed',
};

/** Tells whether a frame is to steer a response. */
export function isSteer(given: unknown): boolean {
  return recordOf(given)['type'] === STEER;
}

/**
 * Steers a response, and sends the one that follows, if any. A failure is told with the input, so
 * that its client may send that otherwise.
 * @throws BrokenOff
 */
export async function steer(
  socket: Socket,
  given: unknown,
  contextFor: () => ActionContext,
): Promise<void> {
  const { input, previous_response_id: id } = recordOf(given);
  const asked = { input, id: textOf(id) };
  const lane = laneOfTurn(socket, turnIdIn(asked.id));
  const about = { id: `steer_${newId()}`, previous_response_id: asked.id };
  const tell = (type: string, fields: object, number: number) =>
    tellEvent(socket, { type, sequence_number: number, ...fields }, lane);
  try {
    const stream = await begin(contextFor(), frameOf(given));
    tell('response.steer.accepted', { steer: about }, 0);
    const hasJoined = await sendFollowing(socket, stream, { lane, steered: asked.id });
    if (hasJoined) tell('parley:response.steer.joined', { steer: about }, 1);
  } catch (error) {
    if (error instanceof BrokenOff || socket.gone.aborted) throw error;
    const { code, detail: message } = failureOf(error);
    const failure = { code: CODES[code] ?? 'successor_creation_failed', message };
    const target = { previous_response_id: asked.id, input: asked.input };
    const type = 'invalid_request_error';
    tell('response.steer.failed', { error: { type, ...failure }, steer: target }, 0);
  }
}

function frameOf(given: unknown): SteerFrame {
  const frame = steerFrame.safeParse(given);
  if (frame.success) return frame.data;
  throw invalidInput(frame.error);
}

/** Lets the message steer the turn that runs. */
async function begin(context: ActionContext, frame: SteerFrame): Promise<TurnStream> {
  const { head } = await runningTurn(context, turnIdIn(frame.previous_response_id));
  const items = itemsIn(frame.input);
  const parts = partsOf(items);
  if (parts.length === 0) throw invalid('input', 'input is empty');
  const parentId = head.assistantMessage.id;
  const input = { kind: 'message' as const, parts, parentId, attachments: attachmentsOf(items) };
  const { parameters = {}, conversationId, model, turnId } = head;
  // What follows is asked for as this was.
  const shown = { ...parameters.shown, previous_response_id: responseId(turnId) };
  const ask = { conversationId, input, model, parameters: { ...parameters, shown } };
  return startTurn(context, { ...ask, onBusy: 'steer' }, streamOptions(responseEvents(), {}));
}

async function runningTurn(context: ActionContext, turnId: string): Promise<StoredTurn> {
  const { dependencies, principal } = context;
  const leaseMs = dependencies.config.TURN_LEASE_MS;
  const found = await readTurn(dependencies.db, { turnId, principal, leaseMs });
  if (!found) throw notFound('Response');
  if (found.running) return found;
  const detail = 'The response is complete: go on from it by response.create';
  throw new ParleyError({ code: 'turn_in_progress', detail });
}
