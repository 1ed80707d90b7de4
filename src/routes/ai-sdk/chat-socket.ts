/**
 * The frames of the AI SDK's `WebSocketChatTransport`: the same requests as over HTTP, and the same
 * chunks, each with the number of its place in the answer to one request.
 */
import { z } from '@hono/zod-openapi';
import type { ActionContext } from '../../actions/context.ts';
import { parseJson } from '../../core/json.ts';
import type { Logger } from '../../core/logger.ts';
import { failureOf, invalid, notFound } from '../../core/errors.ts';
import type { TurnStream } from '../../turns/turn-service.ts';
import { BrokenOff } from '../../wire/wire.ts';
import { invalidInput } from '../shared/invalid-input.ts';
import { frameSink, type Socket } from '../websocket/frame-sink.ts';
import { beginChat, chatOptions, runningTurn } from './begin-chat.ts';
import { chatBody } from './chat-body.ts';
import { resumed } from './resumed.ts';

/** The longest frame of a client in characters: as much history as over HTTP. */
const LONGEST_FRAME = 16_000_000;

const requestId = z.string().min(1).max(200);
const frame = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('send'), requestId, body: z.looseObject({}).default({}) }),
  z.looseObject({ type: z.literal('resume'), requestId, id: z.string() }),
  z.looseObject({ type: z.literal('abort'), requestId }),
]);

type Frame = z.output<typeof frame>;

/** The streams of each open socket, by its signal: how to leave each, by its request. */
const underWay = new WeakMap<AbortSignal, Map<string, () => void>>();

/**
 * Answers one frame. It never throws: a refusal is told in a frame, and where nothing true can be
 * said the socket is closed.
 * @param contextFor makes the context of the frame
 */
export async function receiveChatFrame(
  socket: Socket,
  data: string,
  { contextFor, log }: { contextFor: () => ActionContext; log: Logger },
): Promise<void> {
  const given = parsed(data);
  // Without its id no answer would find the request.
  if (!given) return socket.close?.();
  if (given.type === 'abort') return underWay.get(socket.gone)?.get(given.requestId)?.();
  const tell = (fields: object) =>
    socket.send(JSON.stringify({ requestId: given.requestId, ...fields }));
  try {
    const context = contextFor();
    const stream = await streamFor(context, socket, given);
    if (!stream) return tell({ type: 'no-active' });
    tell({ type: 'start' });
    await send(socket, stream, given.requestId);
  } catch (error) {
    if (error instanceof BrokenOff) return socket.close?.();
    const failure = failureOf(error);
    if (failure.code === 'internal_error') log.error('a socket of a chat failed', { error });
    tell({ type: 'error', errorText: failure.detail });
  }
}

function parsed(data: string): Frame | undefined {
  return data.length > LONGEST_FRAME ? undefined : frame.safeParse(parseJson(data)).data;
}

async function streamFor(
  context: ActionContext,
  socket: Socket,
  given: Exclude<Frame, { type: 'abort' }>,
): Promise<TurnStream | undefined> {
  if (given.type === 'resume') {
    const running = await runningTurn(context, given.id);
    return running && resumed(context, running, chatOptions({}));
  }
  const { body, type: _, requestId: __, headers: ___, ...chat } = given;
  const { data, error } = chatBody.safeParse({ ...body, ...chat });
  if (error) throw invalidInput(error);
  if (data.user_id !== undefined && data.user_id !== socket.user.userId) throw notFound('User');
  if (data.on_disconnect === 'cancel') throw invalid('on_disconnect', 'a socket may be shared');
  return beginChat(context, data);
}

/** Sends an answer, until it is over or its request is aborted, which leaves the turn running. */
async function send(socket: Socket, stream: TurnStream, id: string): Promise<void> {
  const { gone, user } = socket;
  const requests = underWay.get(gone) ?? new Map<string, () => void>();
  underWay.set(gone, requests);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isLeft = false;
  requests.set(id, () => {
    isLeft = true;
    stream.leave();
    resolve();
  });
  const framed = framesOf(id);
  const sending = {
    user,
    gone,
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send(line: string) {
      const text = isLeft ? undefined : framed(line);
      if (text !== undefined) socket.send(text);
    },
  };
  stream.pipe(frameSink(sending, { resolve, reject }));
  try {
    await promise;
  } finally {
    requests.delete(id);
  }
}

const DATA = 'data: ';

/** Makes frames of the lines of our wire; a line that holds no data makes none. */
function framesOf(id: string): (line: string) => string | undefined {
  const request = JSON.stringify(id);
  let sequence = 0;
  return (line) => {
    if (!line.startsWith(DATA)) return undefined;
    const data = line.slice(DATA.length);
    if (data === '[DONE]') return `{"type":"end","requestId":${request}}`;
    return `{"type":"chunk","requestId":${request},"sequence":${sequence++},"chunk":${data}}`;
  };
}
