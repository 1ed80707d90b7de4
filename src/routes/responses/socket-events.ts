/** Writes events of responses to a socket: each is a frame, with the name of its lane. */
import type { Failure } from '../../core/errors.ts';
import type { TurnStream } from '../../turns/turn-service.ts';
import { openAiError } from '../../wire/openai-error.ts';
import { problemOf } from '../../wire/problem.ts';
import { frameSink, type Socket } from '../websocket/frame-sink.ts';

const DATA = 'data: ';

/**
 * Sends the events of a turn.
 * @returns when all are sent, or the client has disconnected
 * @throws BrokenOff where the outcome is not known
 */
export async function sendEvents(
  socket: Socket,
  stream: TurnStream,
  lane: string | undefined,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const { user, gone } = socket;
  const framed = framesOf(lane);
  const sending = {
    user,
    gone,
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send(line: string) {
      const frame = framed(line);
      if (frame !== undefined) socket.send(frame);
    },
  };
  stream.pipe(frameSink(sending, { resolve, reject }));
  await promise;
}

/** Makes frames of the lines of an event stream; a line that holds no event makes none. */
function framesOf(lane: string | undefined): (line: string) => string | undefined {
  const opening = lane === undefined ? '{' : `{"stream_id":${JSON.stringify(lane)},`;
  return (line) => {
    if (!line.startsWith(`${DATA}{`)) return undefined;
    return opening + line.slice(DATA.length + 1);
  };
}

/** Sends one event. */
export function tellEvent(socket: Socket, event: object, lane: string | undefined): void {
  socket.send(JSON.stringify(lane === undefined ? event : { ...event, stream_id: lane }));
}

/** Tells of a failure, as HTTP would by its status and its body. */
export function tellFailure(socket: Socket, failure: Failure, lane: string | undefined): void {
  const { status } = problemOf(failure, '');
  tellEvent(socket, { type: 'error', status, ...openAiError(failure) }, lane);
}
