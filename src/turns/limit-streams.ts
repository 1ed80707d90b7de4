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
import type { Sink } from './follow/sink.ts';
import { ForwardingTurnService, type Of } from './forwarding-turn-service.ts';
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
 * Starts and follows turns for a reader, whose streams it counts. A stream too many is refused
 * before anything of it is stored.
 */
export class LimitedStreams extends ForwardingTurnService {
  readonly #limit: StreamLimit;

  constructor(turns: TurnService, limit: StreamLimit) {
    super(turns);
    this.#limit = limit;
  }

  override async start(...[request, options, asker]: Of<'start'>) {
    const { reader, defer } = this.#limit;
    const openStreams = openStreamsOf(reader);
    const leave = enter(reader);
    try {
      const stream = await super.start({ ...request, openStreams }, options, asker);
      return new CountedStream(stream, leave, defer);
    } catch (error) {
      leave();
      throw error;
    }
  }

  override async follow(...[turn, options, cursor, found]: Of<'follow'>) {
    const { reader, limits, defer } = this.#limit;
    const openStreams = openStreamsOf(reader);
    const leave = enter(reader);
    try {
      requireRoomForStream(await limits(), openStreams);
      const stream = await super.follow(turn, options, cursor, found);
      if (!stream) leave();
      return stream && new CountedStream(stream, leave, defer);
    } catch (error) {
      leave();
      throw error;
    }
  }
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
  const name = nameOf(reader);
  const count = (by: 1 | -1) => {
    add(open.user, name, by);
    if (keyId !== null) add(open.key, keyId, by);
  };
  count(1);
  let isOpen = true;
  return () => {
    if (!isOpen) return;
    isOpen = false;
    count(-1);
  };
}

function add(counts: Map<string, number>, id: string, by: 1 | -1): void {
  const streams = (counts.get(id) ?? 0) + by;
  if (streams > 0) counts.set(id, streams);
  else counts.delete(id);
}

/** A stream that is counted out when its reader has gone. */
class CountedStream implements TurnStream {
  readonly turnId: string;
  readonly conversationId: string;
  readonly answerId: string | undefined;
  readonly limits: Budget | undefined;
  readonly #stream: TurnStream;
  readonly #leave: () => void;
  readonly #defer: StreamLimit['defer'];

  constructor(stream: TurnStream, leave: () => void, defer: StreamLimit['defer']) {
    this.turnId = stream.turnId;
    this.conversationId = stream.conversationId;
    this.answerId = stream.answerId;
    this.limits = stream.limits;
    this.#stream = stream;
    this.#leave = leave;
    this.#defer = defer;
  }

  pipe(sink: Sink): void {
    sink.onClose(this.#leave);
    this.#stream.pipe(sink);
  }

  readable(): ReadableStream<Uint8Array> {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    // How it ended is told to whoever reads it.
    const ended = this.#stream.readable().pipeTo(writable);
    this.#defer(ended.catch(() => undefined).finally(this.#leave));
    return readable;
  }

  leave(): void {
    this.#leave();
    this.#stream.leave();
  }
}
