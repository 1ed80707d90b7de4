/** Handles the frames of a WebSocket, on every runtime. */
import type { ActionContext, ActionDependencies } from '../../actions/context.ts';
import { requireMessage } from '../../actions/change-tree.ts';
import { startTurn, type TurnAsk } from '../../actions/start-turn.ts';
import { editInput, messageInput, regenerateInput } from '../../actions/turn-input.ts';
import { failureOf, invalid, notFound, ParleyError, unauthenticated } from '../../core/errors.ts';
import { newId } from '../../core/ids.ts';
import { parseJson } from '../../core/json.ts';
import { proofOf } from '../../core/principal.ts';
import { ConfirmingDatabase } from '../../store/credentials/confirm.ts';
import { problemOf } from '../../wire/problem.ts';
import { websocketFrames } from '../../wire/websocket-frames.ts';
import { beginMemory, forgetAll } from '../responses/socket-memory.ts';
import { streamOptions } from '../shared/answer-turn.ts';
import { invalidInput } from '../shared/invalid-input.ts';
import { countedStreams } from '../shared/limit-streams.ts';
import { parametersOf } from '../shared/parameters.ts';
import type { Socket } from './frame-sink.ts';
import { incoming, type Incoming } from './frames.ts';
import { sendTurn } from './send-turn.ts';

/** The longest frame of a client in characters, which is the largest JSON body in bytes. */
const LONGEST_FRAME = 1_600_000;

/** The subprotocol by which chats of the AI SDK speak: its `WebSocketChatTransport`. */
const CHAT_PROTOCOL = 'ai-sdk-chat';

export function greet(socket: Socket): void {
  if (socket.api) return beginMemory(socket);
  // The clients of others know no greeting.
  if (socket.protocol === CHAT_PROTOCOL) return;
  sendFrame(socket, { type: 'connection', user_id: socket.user.userId });
}

/**
 * Answers one frame of a client: starts a turn and sends it as frames. It never throws: an error
 * becomes an `error` frame, and the socket stays open.
 * @returns when the turn has been sent, or the client has disconnected
 */
export async function receive(
  socket: Socket,
  data: string,
  dependencies: ActionDependencies,
): Promise<void> {
  if (socket.api) {
    const { receiveResponseFrame } = await import('../responses/socket.ts');
    const contextFor = () => contextOf(socket, dependencies);
    return receiveResponseFrame(socket, data, { contextFor, dependencies });
  }
  if (socket.protocol === CHAT_PROTOCOL) {
    const { receiveChatFrame } = await import('../ai-sdk/chat-socket.ts');
    const contextFor = () => contextOf(socket, dependencies);
    return receiveChatFrame(socket, data, { contextFor, log: dependencies.log });
  }
  let conversationId: string | undefined;
  try {
    const frame = parseFrame(data);
    conversationId = frame.conversation_id ?? undefined;
    const { user } = socket;
    if (frame.user_id !== undefined && frame.user_id !== user.userId) throw notFound('User');
    const context = contextOf(socket, dependencies);
    const ask = await askOf(context, frame);
    conversationId = ask.conversationId;
    const stream = await startTurn(context, ask, streamOptions(websocketFrames, frame));
    await sendTurn(socket, stream, { steers: frame.on_busy === 'steer' });
  } catch (error) {
    if (socket.gone.aborted) return;
    const failure = failureOf(error);
    if (failure.code === 'internal_error')
      dependencies.log.error('a socket message failed', { error });
    sendFrame(socket, {
      type: 'error',
      ...(conversationId === undefined ? {} : { conversation_id: conversationId }),
      message: failure.detail,
      problem: problemOf(failure, newId()),
    });
  }
}

/** Deletes what was kept only as long as a socket was open. */
export function leave(socket: Socket, dependencies: ActionDependencies): void {
  if (socket.api) forgetAll(socket, dependencies);
}

/**
 * Returns the context of a frame. The credential of the socket is confirmed with what the frame
 * asks of the database.
 * @throws ParleyError `unauthenticated` when the credential has expired
 */
function contextOf({ user, gone }: Socket, dependencies: ActionDependencies): ActionContext {
  const asker = { signal: gone };
  if (user.kind === 'user' && user.expiresAt !== undefined && user.expiresAt <= Date.now())
    throw unauthenticated();
  const proof = proofOf(user);
  const db = proof ? new ConfirmingDatabase(dependencies.db, proof) : dependencies.db;
  const turns = countedStreams(dependencies, user)?.turns ?? dependencies.turns;
  return { principal: user, dependencies: { ...dependencies, db, turns }, asker };
}

/**
 * Returns the turn that a frame asks for.
 * @throws ParleyError `not_found`, `invalid_request`
 */
async function askOf(context: ActionContext, frame: Incoming): Promise<TurnAsk> {
  const { conversation_id, message_id, model, on_busy: onBusy } = frame;
  const asked = { parameters: parametersOf(frame), onBusy };
  if (frame.type !== 'message') {
    const message = await requireMessage(context, message_id ?? '');
    const { conversationId } = message;
    if (conversation_id && conversation_id !== conversationId) throw notFound('Message');
    const input = frame.type === 'edit' ? editInput(message, frame) : regenerateInput(message);
    return { conversationId, input, model, ...asked };
  }
  const input = messageInput(frame);
  if (conversation_id) return { conversationId: conversation_id, input, model, ...asked };
  if (frame.parent_message_id ?? frame.tool_results ?? frame.approvals)
    throw invalid('conversation_id', 'conversation_id is required');
  const { title, mode, instructions } = frame;
  // The model is stored with the conversation, and its first turn uses it from there.
  return { create: { title, mode, model, instructions }, input, ...asked };
}

function parseFrame(data: string): Incoming {
  if (data.length > LONGEST_FRAME) {
    const detail = `A frame may have ${LONGEST_FRAME} characters`;
    throw new ParleyError({ code: 'payload_too_large', detail });
  }
  const given = parseJson(data);
  if (given === undefined)
    throw new ParleyError({ code: 'invalid_request', detail: 'A frame must be JSON' });
  const parsed = incoming.safeParse(given);
  if (parsed.success) return parsed.data;
  throw invalidInput(parsed.error);
}

function sendFrame(socket: Socket, frame: Record<string, unknown>): void {
  socket.send(JSON.stringify(frame));
}
