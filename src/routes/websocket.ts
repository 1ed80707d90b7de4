/** The fifth router: a WebSocket for each user. What happens on it, whatever runtime it lives in; hosts bring the sockets. */
import { z } from '@hono/zod-openapi';
import { failureOf, notFound, ParleyError } from '../core/errors.ts';
import type { Report } from '../core/report.ts';
import { newId } from '../core/ids.ts';
import { problemOf } from '../wire/problem.ts';
import type { TurnService } from '../turns/turn-service.ts';
import { viewOf } from './shared/answer-turn.ts';
import { callerNamed } from './shared/identify.ts';
import {
  commonProblems,
  createRouter,
  invalidInput,
  json,
  route,
  sameOriginOnly,
} from './shared/router.ts';
import * as schemas from './shared/schemas.ts';

const tags = ['websocket'];

const status = z.looseObject({
  user_id: z.string(),
  active_connections: z.int(),
  is_online: z.boolean(),
});
const request = {
  params: z.object({ user_id: schemas.userId }),
  query: schemas.ownerQuery,
};

export function websocketRouter() {
  const router = createRouter();

  route(
    router,
    {
      method: 'get',
      path: '/ws/{user_id}',
      tags,
      summary: 'A WebSocket: send {message, conversation_id?}, receive JSON frames',
      middleware: [sameOriginOnly],
      request,
      responses: { 101: { description: 'Switched to WebSocket' }, ...commonProblems },
    },
    (c) => {
      const user = callerNamed(c, c.req.valid('param').user_id);
      if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
        throw new ParleyError({ code: 'invalid_request', detail: 'This address speaks WebSocket' });
      }
      return c.get('services').sockets.open(c, user);
    },
  );

  route(
    router,
    {
      method: 'get',
      path: '/ws/users/{user_id}/status',
      tags,
      summary: 'Whether a user has sockets open, anywhere',
      request,
      responses: { 200: json(status, 'The status'), ...commonProblems },
    },
    async (c) => {
      const user_id = callerNamed(c, c.req.valid('param').user_id);
      const active = await c.get('services').sockets.count(user_id);
      return c.json({ user_id, active_connections: active, is_online: active > 0 }, 200);
    },
  );

  return router;
}

const incoming = schemas.withMessage(
  schemas.bodyOf({
    ...schemas.turnFields,
    ...schemas.messageFields,
    conversation_id: schemas.id.nullish(),
    title: schemas.title.nullish(),
    mode: schemas.mode.optional(),
    instructions: schemas.instructions.nullish(),
  }),
);

export interface Socket {
  userId: string;
  send(frame: string): void;
  /** Aborted when the client has gone. */
  gone: AbortSignal;
}

export function greet(socket: Socket): void {
  sendFrame(socket, { type: 'connection', user_id: socket.userId });
}

/** One frame from the client: starts a turn and sends it frame by frame. Never throws: what is wrong becomes an `error` frame, and the socket stays open. */
export async function receive(
  socket: Socket,
  data: string,
  { rooms, report }: { rooms: TurnService; report: Report },
): Promise<void> {
  try {
    const {
      user_id,
      message,
      content,
      conversation_id,
      title,
      mode,
      instructions,
      model,
      on_busy,
      on_disconnect,
    } = parseFrame(data);
    if (user_id !== undefined && user_id !== socket.userId) throw notFound('User');
    const create = conversation_id
      ? undefined
      : {
          userId: socket.userId,
          title: title ?? null,
          mode: mode ?? ('open' as const),
          model: model ?? null,
          instructions: instructions ?? null,
        };
    const command = {
      conversationId: conversation_id ?? newId(),
      userId: socket.userId,
      create,
      text: message ?? content ?? '',
      model: model ?? null,
      onBusy: on_busy ?? ('reject' as const),
      joinSameText: false,
    };
    const { body } = await rooms.start(command, viewOf({ on_disconnect }, 'frames'), {
      signal: socket.gone,
    });
    for await (const frame of lines(body, socket.gone)) socket.send(frame);
  } catch (error) {
    if (socket.gone.aborted) return;
    const failure = failureOf(error);
    if (failure.code === 'internal_error') report('a socket message failed', error);
    sendFrame(socket, {
      type: 'error',
      message: failure.detail,
      problem: problemOf(failure, newId()),
    });
  }
}

/** Characters of a frame from a client: as many as a body of JSON may have bytes. */
const LONGEST_FRAME = 1024 * 1024;

function parseFrame(data: string) {
  if (data.length > LONGEST_FRAME) {
    const detail = `A frame may have ${LONGEST_FRAME} characters`;
    throw new ParleyError({ code: 'payload_too_large', detail });
  }
  const parsed = incoming.safeParse(parseJson(data));
  if (parsed.success) return parsed.data;
  throw invalidInput(parsed.error);
}

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw new ParleyError({ code: 'invalid_request', detail: 'A frame must be JSON' });
  }
}

function sendFrame(socket: Socket, frame: Record<string, unknown>): void {
  socket.send(JSON.stringify(frame));
}

/** The lines of a stream of text; the stream is left when `gone` is aborted. */
async function* lines(body: ReadableStream<Uint8Array>, gone: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  const reader = body.getReader();
  const leave = () => void reader.cancel().catch(() => undefined);
  gone.addEventListener('abort', leave, { once: true });
  if (gone.aborted) leave();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const pieces = (rest + decoder.decode(read.value, { stream: true })).split('\n');
    rest = pieces.pop() ?? '';
    yield* pieces;
  }
}
