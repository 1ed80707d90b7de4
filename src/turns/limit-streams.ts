/**
 * Limits how many streams a user has open at once, in this process or isolate: counting them asks
 * nobody. Several processes each allow so many.
 */
import { ParleyError } from '../core/errors.ts';
import type { TurnService, TurnStream } from './turn-service.ts';

/** Open streams by user; users without any are not in it. */
const open = new Map<string, number>();

/** Returns how many streams of turns a user has open here. */
export function openStreamsOf(userId: string): number {
  return open.get(userId) ?? 0;
}

interface StreamLimit {
  userId: string;
  /** The most streams that may be open at once. */
  most: number;
  /** Keeps a request alive until its stream is counted out, whenever its client leaves. */
  defer: (work: Promise<unknown>) => void;
}

/**
 * Returns a service whose streams are counted for a user.
 * A stream too many is refused before anything of it is stored.
 */
export function limitedStreams(
  turns: TurnService,
  { userId, most, defer }: StreamLimit,
): TurnService {
  return {
    run: (request, onDisconnect, asker) => turns.run(request, onDisconnect, asker),
    holds: (turnId) => turns.holds(turnId),
    wait: (turn, onDisconnect) => turns.wait(turn, onDisconnect),
    cancel: (turn) => turns.cancel(turn),
    close: (conversationId) => turns.close(conversationId),
    async start(request, options, asker) {
      const leave = enter(userId, most);
      return counted(await orLeave(turns.start(request, options, asker), leave), leave, defer);
    },
    async follow(turn, options, cursor, found) {
      const leave = enter(userId, most);
      const stream = await orLeave(turns.follow(turn, options, cursor, found), leave);
      if (!stream) leave();
      return stream && counted(stream, leave, defer);
    },
  };
}

/**
 * Counts a stream in and returns what counts it out, once.
 * @throws ParleyError `rate_limited`
 */
function enter(userId: string, most: number): () => void {
  const count = openStreamsOf(userId);
  if (count >= most) {
    const detail = `Too much at once: streams (${most} may be open)`;
    throw new ParleyError({ code: 'rate_limited', detail, retryAfter: 1 });
  }
  open.set(userId, count + 1);
  let isOpen = true;
  return () => {
    if (!isOpen) return;
    isOpen = false;
    const left = openStreamsOf(userId) - 1;
    if (left > 0) open.set(userId, left);
    else open.delete(userId);
  };
}

async function orLeave<Result>(result: Promise<Result>, leave: () => void): Promise<Result> {
  try {
    return await result;
  } catch (error) {
    leave();
    throw error;
  }
}

function counted(stream: TurnStream, leave: () => void, defer: StreamLimit['defer']): TurnStream {
  const { turnId, conversationId, limits } = stream;
  return {
    ...{ turnId, conversationId, limits },
    pipe(sink) {
      sink.onClose(leave);
      stream.pipe(sink);
    },
    readable() {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      // How it ended is told to whoever reads it.
      const ended = stream.readable().pipeTo(writable);
      defer(ended.catch(() => undefined).finally(leave));
      return readable;
    },
    leave() {
      leave();
      stream.leave();
    },
  };
}
