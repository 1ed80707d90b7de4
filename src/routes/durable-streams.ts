/**
 * Durable Streams for reading: the text of a turn's answer, whole so far, by waiting for more, or
 * as server-sent events. It is read from any offset that a client was given, by any instance.
 */
import { z } from '@hono/zod-openapi';
import { invalidCursor } from '../core/cursor.ts';
import { MessageBuffer, type Position } from '../core/message-buffer.ts';
import { terminalEvent, type StoredTurn } from '../core/message.ts';
import {
  cursorAt,
  durableBatches,
  durableSse,
  END,
  offsetOf,
  positionOf,
  streamCursor,
  type Batch,
} from '../wire/durable-stream.ts';
import { problemOf } from '../wire/problem.ts';
import { streamOptions } from './shared/answer-turn.ts';
import type { AppContext } from './shared/dependencies.ts';
import { firstLine } from './shared/first-line.ts';
import { required } from './shared/required.ts';
import { ofTurn, withHeader } from './shared/response-docs.ts';
import { commonProblems } from './shared/responses.ts';
import { createRouter, route } from './shared/router.ts';
import * as schemas from './shared/schemas.ts';
import { turnOf } from './shared/turn-of.ts';
import { streamTurn, turnHeaders } from './shared/stream-turn.ts';

const CONTENT_TYPE = 'text/plain; charset=utf-8';
const START: Position = { part: 0, offset: 0 };

const query = schemas.queryOf({
  user_id: schemas.userId.optional(),
  offset: z
    .string()
    .max(100)
    .default('-1')
    .openapi({ description: '`-1` is the start, `now` the end so far', example: '-1' }),
  live: z.enum(['long-poll', 'sse']).optional().openapi({ description: 'How to wait for more' }),
  cursor: z.string().max(100).optional().openapi({ description: 'The `Stream-Cursor` before' }),
});

/** The result of a read: the text from an offset on, and where it ends. */
interface Read extends Batch {
  from: string;
}

export function durableStreamsRouter() {
  const router = createRouter();
  route(
    router,
    {
      method: 'get',
      path: '/streams/turns/{id}',
      tags: ['turns'],
      operationId: 'readTurnAsDurableStream',
      summary: 'The text of an answer as a durable stream',
      request: { params: schemas.idParam, query },
      responses: {
        200: ofStream({
          description: 'The text after the offset; with `live=sse` as server-sent events',
          content: {
            'text/plain': { schema: z.string() },
            'text/event-stream': { schema: z.string() },
          },
        }),
        204: ofStream({ description: 'Nothing new came in time, or nothing is left' }),
        304: ofStream({ description: 'The client has this text' }),
        410: ofTurn({ description: 'The turn has failed, so that no more will come' }),
        ...commonProblems,
      },
    },
    async (c) => {
      const asked = c.req.valid('query');
      const turn = await turnOf(c, c.req.valid('param').id);
      if (c.req.method === 'HEAD') return headOf(c, turn);
      const at = placeOf(turn, asked.offset);
      const stored = readFrom(turn, at);
      if (stored.text === '' && hasFailed(turn)) return failed(c, turn);
      if (asked.live === 'sse') return live(c, turn, at);
      if (asked.live === undefined) return caughtUp(c, turn, stored);
      const isReady = stored.text !== '' || stored.isClosed;
      const read = isReady ? stored : await more(c, turn, at);
      if (read.isFailed) return failed(c, await turnOf(c, turn.head.turnId));
      return polled(c, turn, read, asked.cursor);
    },
  );
  return router;
}

/** Describes an answer with a piece of a stream. */
function ofStream<Described extends object>(response: Described) {
  const ofClosed = withHeader(ofTurn(response), 'Stream-Closed', 'StreamClosed');
  return withHeader(ofClosed, 'Stream-Next-Offset', 'StreamNextOffset');
}

/** @throws ParleyError `invalid_cursor` */
function placeOf(turn: StoredTurn, offset: string): Position | typeof END {
  if (offset === '-1') return START;
  if (offset === 'now') return isClosed(turn) ? END : MessageBuffer.of(turn.message.parts).end();
  if (offset === END) return END;
  const position = positionOf(offset);
  if (!position) throw invalidCursor('The offset is not one that this server gave out');
  return position;
}

function isClosed(turn: StoredTurn): boolean {
  return !turn.running && !hasFailed(turn);
}

function hasFailed({ running, message }: StoredTurn): boolean {
  return !running && terminalEvent(message.status) === 'turn.failed';
}

/** Reads what is stored after a place. The owner of a running turn may have told more by then. */
function readFrom(turn: StoredTurn, at: Position | typeof END): Read {
  const from = at === END ? END : offsetOf(at);
  if (at === END) return { from, text: '', offset: END, isClosed: isClosed(turn) };
  const { parts } = turn.message;
  const text = parts
    .slice(at.part)
    .map((part, index) => (part.type === 'text' ? part.text.slice(index ? 0 : at.offset) : ''))
    .join('');
  if (isClosed(turn)) return { from, text, offset: END, isClosed: true };
  const end = offsetOf(MessageBuffer.of(parts).end());
  return { from, text, offset: end > from ? end : from, isClosed: false };
}

function headOf(c: AppContext, turn: StoredTurn): Response {
  const { offset, isClosed: closed } = readFrom(turn, START);
  const headers = { ...turnHeaders(turn.head), ...streamHeaders({ offset, isClosed: closed }) };
  return c.body(null, 200, { ...headers, 'Cache-Control': 'no-store' });
}

/** Answers with all that is stored after the offset. */
function caughtUp(c: AppContext, turn: StoredTurn, read: Read): Response {
  const etag = `"${turn.head.turnId}:${read.from}:${read.offset}${read.isClosed ? ':c' : ''}"`;
  const headers = { ...turnHeaders(turn.head), ...streamHeaders(read), ETag: etag };
  // Whose it is and whether it is still there is asked each time.
  const more = { 'Cache-Control': 'private, no-cache' };
  if (c.req.header('if-none-match') === etag) return c.body(null, 304, { ...headers, ...more });
  return c.body(read.text, 200, { ...headers, ...more });
}

function polled(c: AppContext, turn: StoredTurn, read: Batch, shown?: string): Response {
  const headers = {
    ...turnHeaders(turn.head),
    ...streamHeaders(read),
    'Stream-Cursor': streamCursor(shown),
    'Cache-Control': 'no-store',
  };
  return read.text === '' ? c.body(null, 204, headers) : c.body(read.text, 200, headers);
}

function streamHeaders({ offset, isClosed: closed }: Omit<Batch, 'text'>) {
  return {
    'Content-Type': CONTENT_TYPE,
    'Stream-Next-Offset': offset,
    'Stream-Up-To-Date': 'true',
    ...(closed ? { 'Stream-Closed': 'true' } : {}),
  };
}

/** Follows the turn until its text grows, it ends, or the time of a silent connection is over. */
async function more(c: AppContext, turn: StoredTurn, at: Position | typeof END): Promise<Batch> {
  const { turns, config } = c.get('dependencies');
  const options = streamOptions(durableBatches, {});
  const stream = await turns.follow(turn.head, options, cursorAt(turn.head, at));
  const nothing = { text: '', offset: at === END ? END : offsetOf(at), isClosed: false };
  if (!stream) return { ...nothing, isClosed: true };
  const timeLimit = AbortSignal.timeout(config.KEEP_ALIVE_MS);
  const signal = AbortSignal.any([timeLimit, c.req.raw.signal]);
  const line = await firstLine(stream.readable(), signal);
  // Written by the wire above.
  return line === undefined ? nothing : (JSON.parse(line) as Batch);
}

async function live(c: AppContext, turn: StoredTurn, at: Position | typeof END): Promise<Response> {
  const { turns } = c.get('dependencies');
  // The end is read once more: a client that shows it is told again that the stream is closed.
  const cursor = cursorAt(turn.head, at === END ? positionAtEnd(turn) : at);
  const stream = await turns.follow(turn.head, streamOptions(durableSse, {}), cursor);
  return streamTurn(c, required(stream, 'Turn'), durableSse);
}

function positionAtEnd(turn: StoredTurn): Position {
  return MessageBuffer.of(turn.message.parts).end();
}

/** Tells of the failure by a status that clients do not try again, whatever it was. */
function failed(c: AppContext, { head, error }: StoredTurn): Response {
  const failure = error ?? { code: 'turn_lost' as const, detail: 'The turn was interrupted' };
  const problem = { ...problemOf(failure, c.get('requestId')), status: 410 };
  const headers = { ...turnHeaders(head), 'Content-Type': 'application/problem+json' };
  return c.body(JSON.stringify(problem), 410, headers);
}
