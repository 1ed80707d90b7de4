/**
 * Limits how many streams a user, and a key, have open at once in this process or isolate: counting
 * them asks nobody. Several processes each allow so many. A turn that is started is refused by the
 * batch that would accept it; one that is followed is refused here.
 */
import {
  refusalOf,
  type Budget,
  type LimitOwner,
  type LimitState,
  type OpenStreams,
} from '../core/limits.ts';
import type { StreamLimits } from '../store/limits/stream-limits.ts';
import type { TurnService, TurnStream } from './turn-service.ts';

/** Open streams by user of a tenant and by key; those without any are not in it. */
const open: Record<LimitOwner, Map<string, number>> = { user: new Map(), key: new Map() };

/** The user, and the key, whose streams are counted. */
export interface StreamReader {
  /** The user's tenant; undefined where all users share a database. */
  tenant?: string | undefined;
  userId: string;
  /** The public id of the key that is used; null where there is none. */
  keyId: string | null;
}

/** Returns how many streams of turns are open here. */
export function openStreamsOf(reader: StreamReader): OpenStreams {
  const { keyId } = reader;
  const key = keyId === null ? 0 : (open.key.get(keyId) ?? 0);
  return { user: open.user.get(nameOf(reader)) ?? 0, key };
}

/** Returns the name that no user of another tenant has. */
function nameOf({ tenant, userId }: StreamReader): string {
  return tenant === undefined ? userId : `${tenant}/${userId}`;
}

interface StreamLimit {
  reader: StreamReader;
  /** Returns how many may be open. */
  limits: () => Promise<StreamLimits>;
  /** Keeps a request alive until its stream is counted out, whenever its client leaves. */
  defer: (work: Promise<unknown>) => void;
}

/**
 * Returns a service whose streams are counted for a reader.
 * A stream too many is refused before anything of it is stored.
 */
export function limitedStreams(
  turns: TurnService,
  { reader, limits, defer }: StreamLimit,
): TurnService {
  return {
    run: (request, onDisconnect, asker) => turns.run(request, onDisconnect, asker),
    recall: (end, asked) => turns.recall(end, asked),
    holds: (turnId) => turns.holds(turnId),
    wait: (turn, onDisconnect) => turns.wait(turn, onDisconnect),
    cancel: (turn) => turns.cancel(turn),
    close: (conversationId) => turns.close(conversationId),
    async start(request, options, asker) {
      const openStreams = openStreamsOf(reader);
      const leave = enter(reader);
      const stream = turns.start({ ...request, openStreams }, options, asker);
      return counted(await orLeave(stream, leave), leave, defer);
    },
    async follow(turn, options, cursor, found) {
      const openStreams = openStreamsOf(reader);
      const leave = enter(reader);
      const following = async () => {
        requireRoomForStream(await limits(), openStreams);
        return turns.follow(turn, options, cursor, found);
      };
      const stream = await orLeave(following(), leave);
      if (!stream) leave();
      return stream && counted(stream, leave, defer);
    },
  };
}

/**
 * Makes sure that one more stream may be opened.
 * @throws ParleyError `rate_limited`
 */
export function requireRoomForStream(limits: StreamLimits, openStreams: OpenStreams): void {
  const refusal = refusalOf(streamBudget(limits, openStreams), { tokens: 0, nanodollars: 0 });
  if (refusal) throw refusal;
}

function streamBudget(limits: StreamLimits, openStreams: OpenStreams): Budget {
  const owners: LimitOwner[] = ['user', 'key'];
  return owners.flatMap((of): LimitState[] => {
    const [limit, used] = [limits[of], openStreams[of]];
    const how = { reserved: 0, resetsInMs: null };
    return limit === undefined ? [] : [{ name: 'streams', of, limit, used, ...how }];
  });
}

/** Counts a stream in and returns what counts it out, once. */
function enter(reader: StreamReader): () => void {
  const { keyId } = reader;
  const places: [Map<string, number>, string][] = [[open.user, nameOf(reader)]];
  if (keyId !== null) places.push([open.key, keyId]);
  for (const [map, id] of places) map.set(id, (map.get(id) ?? 0) + 1);
  let isOpen = true;
  return () => {
    if (!isOpen) return;
    isOpen = false;
    for (const [map, id] of places) {
      const left = (map.get(id) ?? 0) - 1;
      if (left > 0) map.set(id, left);
      else map.delete(id);
    }
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
  const { turnId, conversationId, answerId, limits } = stream;
  return {
    ...{ turnId, conversationId, answerId, limits },
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
