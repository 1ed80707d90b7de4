/** Listens to an answer at any door, over an event stream or a socket. */
import { setTimeout as sleep } from 'node:timers/promises';
import { asRecord, asText } from '../json.ts';
import { openStream, type StreamInit } from '../sse.ts';
import { openWebSocket, type SocketFrame } from '../websocket.ts';
import type { Heard, Hearing, WireEvent } from './hearing.ts';

export interface Listening {
  /** 0 for a socket, whose refusals are frames. */
  status: number;
  /** Of the answer's headers; empty for a socket. */
  turnId: string;
  conversationId: string;
  events: readonly WireEvent[];
  /** What has come so far. */
  heard(): Heard;
  /** Waits until something holds of what has come, or nothing more comes. */
  until(holds: (heard: Heard) => boolean, timeoutMs?: number): Promise<Heard>;
  /** Reads on to the end. `isReset` is true where the connection broke instead. */
  end(timeoutMs?: number): Promise<Heard & { isReset: boolean; body: string }>;
  /** Breaks the connection off. */
  leave(): void;
}

/** Opens an event stream. Rejects when no answer comes. */
export async function listen(url: string, init: StreamInit, hear: Hearing): Promise<Listening> {
  const stream = await openStream(url, init);
  let ended: 'end' | 'cut' | undefined;
  void stream.collect(120_000).then(
    (result) => (ended = result.ended),
    () => (ended = 'cut'),
  );
  const { status, headers, events } = stream;
  const body = () => stream.bytes().toString();
  return {
    status,
    turnId: asText(headers['x-turn-id']),
    conversationId: asText(headers['x-conversation-id']),
    ...heardIn({ events, hear, body, endedAs: () => ended }),
    leave: () => stream.close(),
  };
}

/** Opens a socket and sends one message over it. */
export async function listenOnSocket(
  url: string,
  { message, protocol, hear }: { message: object; protocol?: string; hear: Hearing },
): Promise<Listening> {
  const socket = await openWebSocket(url, protocol === undefined ? {} : { protocol });
  let isClosed = false;
  void socket.closed.then(() => (isClosed = true));
  socket.send(message);
  const events: WireEvent[] = [];
  const take = () => {
    for (const frame of socket.frames.slice(events.length))
      events.push({ type: frame.type, data: JSON.stringify(frame) });
    return hear(events);
  };
  const endedAs = () => (take().isOver ? 'end' : isClosed ? 'cut' : undefined);
  const body = () => JSON.stringify(socket.frames);
  const listening = heardIn({ events, hear: take, body, endedAs });
  const idIn = (field: string) => {
    const [named] = socket.frames.flatMap((frame) => {
      const metadata = asRecord(asRecord(frame['chunk'])['messageMetadata']);
      return [frame[field], metadata[field]].filter((id) => typeof id === 'string');
    });
    return asText(named);
  };
  return {
    status: 0,
    get turnId() {
      return idIn('turn_id') || responseIn(socket.frames).replace(/^resp_/u, '');
    },
    get conversationId() {
      return idIn('conversation_id');
    },
    ...listening,
    async end(timeoutMs) {
      const ended = await listening.end(timeoutMs);
      socket.close();
      return ended;
    },
    leave: () => socket.terminate(),
  };
}

/** Returns the id of the response that frames tell of. */
function responseIn(frames: readonly SocketFrame[]): string {
  const first = frames.find(({ type }) => type === 'response.created');
  return asText(asRecord(first?.['response'])['id']);
}

function heardIn({
  events,
  hear,
  body,
  endedAs,
}: {
  events: readonly WireEvent[];
  hear: Hearing;
  body: () => string;
  endedAs: () => 'end' | 'cut' | undefined;
}): Omit<Listening, 'status' | 'turnId' | 'conversationId' | 'leave'> {
  const heard = () => hear(events);
  async function until(holds: (heard: Heard) => boolean, timeoutMs = 30_000) {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      // In this order: what comes with the end is heard, too.
      const ended = endedAs();
      const now = heard();
      if (ended !== undefined || holds(now)) return now;
      if (performance.now() > deadline) throw new Error(`not heard in time: ${body().slice(-500)}`);
      await sleep(3);
    }
  }
  async function end(timeoutMs?: number) {
    const now = await until(() => false, timeoutMs);
    return { ...now, isReset: endedAs() === 'cut', body: body() };
  }
  return { events, heard, until, end };
}
