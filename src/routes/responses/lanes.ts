/** The lanes of sockets: what comes on one is answered one after the other. */
import { ParleyError } from '../../core/errors.ts';
import type { Socket } from '../websocket/frame-sink.ts';

/** The most frames of a socket that are answered or wait at a time. */
const MOST_FRAMES = 32;

interface Lanes {
  frames: number;
  /** The last frame of each lane that is not answered yet. */
  last: Map<string, Promise<void>>;
}

const open = new WeakMap<AbortSignal, Lanes>();

function lanesOf({ gone }: Socket): Lanes {
  const lanes = open.get(gone) ?? { frames: 0, last: new Map<string, Promise<void>>() };
  open.set(gone, lanes);
  return lanes;
}

/**
 * Does the work of a frame when the frames before it on its lane are done; not at all where the
 * client has left by then.
 * @throws ParleyError `queue_full`, and what the work throws
 */
export async function inLane(socket: Socket, lane: string, work: () => Promise<void>) {
  const lanes = lanesOf(socket);
  if (lanes.frames >= MOST_FRAMES) {
    const detail = `A socket may have ${MOST_FRAMES} responses under way or waiting`;
    throw new ParleyError({ code: 'queue_full', detail });
  }
  lanes.frames++;
  const before = lanes.last.get(lane) ?? Promise.resolve();
  const done = before.then(() => (socket.gone.aborted ? undefined : work()));
  const settled = done.then(
    () => undefined,
    () => undefined,
  );
  lanes.last.set(lane, settled);
  try {
    await done;
  } finally {
    lanes.frames--;
    if (lanes.last.get(lane) === settled) lanes.last.delete(lane);
  }
}
