/**
 * Sends turns to a socket. A message that steers a turn is answered by that turn, or by one that
 * follows; a socket that is being sent that turn already is not sent it twice.
 */
import type { TurnStream } from '../../turns/turn-service.ts';
import { frameSink, type Socket } from './frame-sink.ts';

/** The turns that each open socket is being sent, by the signal that it has. */
const beingSent = new WeakMap<AbortSignal, Set<string>>();

function turnsOf({ gone }: Socket): Set<string> {
  const turns = beingSent.get(gone) ?? new Set();
  beingSent.set(gone, turns);
  return turns;
}

/**
 * Sends a turn as frames.
 * @param steers true when only the frames will say which turn it is
 * @returns when the turn has been sent, or the client has disconnected
 */
export async function sendTurn(
  socket: Socket,
  stream: TurnStream,
  { steers }: { steers: boolean },
): Promise<void> {
  const turns = turnsOf(socket);
  const { promise: sent, resolve, reject } = Promise.withResolvers<void>();
  const opening = new Opening(socket, turns, () => {
    stream.leave();
    resolve();
  });
  if (!steers) opening.begin(stream.turnId);
  const open = {
    user: socket.user,
    gone: socket.gone,
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send: (frame: string) => opening.send(frame),
  };
  stream.pipe(frameSink(open, { resolve, reject }));
  try {
    await sent;
  } finally {
    opening.end();
  }
}

/** Holds the first frames of a turn back until they have said which turn it is. */
class Opening {
  readonly #socket: Socket;
  readonly #turns: Set<string>;
  readonly #onKnown: () => void;
  #held: string[] = [];
  #turnId: string | undefined;
  #isDropped = false;

  /** @param onKnown called when the socket is being sent that turn already */
  constructor(socket: Socket, turns: Set<string>, onKnown: () => void) {
    this.#socket = socket;
    this.#turns = turns;
    this.#onKnown = onKnown;
  }

  begin(turnId: string): void {
    this.#turnId = turnId;
    this.#turns.add(turnId);
    for (const frame of this.#held) this.#socket.send(frame);
    this.#held = [];
  }

  send(frame: string): void {
    if (this.#isDropped) return;
    if (this.#turnId !== undefined) return this.#socket.send(frame);
    this.#held.push(frame);
    const { type, turn_id: turnId } = readFrame(frame);
    if (type === 'error') this.begin('');
    if (type === 'typing') this.#open(turnId ?? '');
  }

  end(): void {
    if (this.#turnId !== undefined && !this.#isDropped) this.#turns.delete(this.#turnId);
  }

  #open(turnId: string): void {
    if (!this.#turns.has(turnId)) return this.begin(turnId);
    this.#isDropped = true;
    this.#onKnown();
  }
}

/** Reads a frame that our own wire has written. */
function readFrame(frame: string): { type: string; turn_id?: string } {
  return JSON.parse(frame) as { type: string; turn_id?: string };
}
