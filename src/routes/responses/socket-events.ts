/** Writes events of responses to a socket: each is a frame, with the name of its lane. */
import type { Failure } from '../../core/errors.ts';
import type { TurnStream } from '../../turns/turn-service.ts';
import { openAiError } from '../../wire/openai-error.ts';
import { problemOf } from '../../wire/problem.ts';
import { frameSink, type Socket } from '../websocket/frame-sink.ts';

const DATA = 'data: ';

/** The lanes on which each open socket is being sent turns, by the signal that it has. */
const beingSent = new WeakMap<AbortSignal, Map<string, string | undefined>>();

function turnsOf({ gone }: Socket): Map<string, string | undefined> {
  const turns = beingSent.get(gone) ?? new Map<string, string | undefined>();
  beingSent.set(gone, turns);
  return turns;
}

/** Returns the lane on which a turn is being sent; undefined where it has none. */
export function laneOfTurn(socket: Socket, turnId: string): string | undefined {
  return turnsOf(socket).get(turnId);
}

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
  const turns = turnsOf(socket);
  turns.set(stream.turnId, lane);
  const framed = framesOf(lane);
  try {
    await sendLines(socket, stream, (line) => {
      const frame = framed(line);
      if (frame !== undefined) socket.send(frame);
    });
  } finally {
    turns.delete(stream.turnId);
  }
}

/**
 * Sends the events of the response that answers what was said to steer one, where it is another.
 * @param steered the id of the response that was steered, which is being sent already
 * @returns true where that one answers itself
 */
export async function sendFollowing(
  socket: Socket,
  stream: TurnStream,
  { lane, steered }: { lane: string | undefined; steered: string },
): Promise<boolean> {
  const framed = framesOf(lane);
  let hasBegun = false;
  let hasJoined = false;
  await sendLines(socket, stream, (line, leave) => {
    const frame = framed(line);
    if (frame === undefined || hasJoined) return;
    hasJoined = !hasBegun && isOf(frame, steered);
    hasBegun = true;
    if (hasJoined) leave();
    else socket.send(frame);
  });
  return hasJoined;
}

/** Tells whether an event that our own wire has written is the first of a response. */
function isOf(frame: string, id: string): boolean {
  const { response } = JSON.parse(frame) as { response?: { id?: string } };
  return response?.id === id;
}

/** Sends the events in the lines of an event stream. */
export function sendLinesOf(socket: Socket, lines: string, lane: string | undefined): void {
  const framed = framesOf(lane);
  for (const line of lines.split('\n')) {
    const frame = framed(line);
    if (frame !== undefined) socket.send(frame);
  }
}

/** Sends each line of a turn, until its end, or until its reader leaves it. */
async function sendLines(
  socket: Socket,
  stream: TurnStream,
  send: (line: string, leave: () => void) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const leave = () => {
    stream.leave();
    resolve();
  };
  const sending = {
    user: socket.user,
    gone: socket.gone,
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send: (line: string) => send(line, leave),
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
