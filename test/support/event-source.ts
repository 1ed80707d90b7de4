/** Reconnects as a browser's EventSource does (WHATWG HTML standard, section 9.2.3). */
import { setTimeout as sleep } from 'node:timers/promises';
import { openStream, type OpenStream, type SseEvent } from './sse.ts';

export interface EventSourceLike {
  events: SseEvent[];
  /**
   * One for each attempt, including failed ones (status 0: no answer; an empty id was not sent).
   */
  connections: { status: number; sentLastEventId: string; events: number }[];
  lastEventId(): string;
  /** Resolves with the reason why it stopped for good. */
  done: Promise<'closed' | 'http-status' | 'content-type' | 'too-many-connections'>;
  /** Waits for the next event of a type, whichever connection brings it. */
  next(type?: string, timeoutMs?: number): Promise<SseEvent>;
  /** Breaks the current connection like a failing network; it will reconnect. */
  cut(): void;
  close(): void;
}

/**
 * Opens a GET and reconnects: when a stream ends or a connection breaks, it tries again after
 * `retryMs` (the stream's own `retry`, at most `longestRetryMs`) with Last-Event-ID. Any status but
 * 200, or another content type, ends it. `mostConnections` (default 50) ends a loop that would
 * never end.
 */
export function eventSourceLike(
  url: string,
  {
    headers = {},
    retryMs = 20,
    longestRetryMs = 200,
    mostConnections = 50,
  }: {
    headers?: Record<string, string>;
    retryMs?: number;
    longestRetryMs?: number;
    mostConnections?: number;
  } = {},
): EventSourceLike {
  const events: SseEvent[] = [];
  const connections: EventSourceLike['connections'] = [];
  let wait = retryMs;
  let stream: OpenStream | undefined;
  let isClosed = false;
  let given = 0;
  const lastEventId = () => stream?.parser.lastEventId ?? '';

  async function connect(): Promise<'again' | 'http-status' | 'content-type'> {
    const sent = lastEventId();
    const connection = { status: 0, sentLastEventId: sent, events: 0 };
    connections.push(connection);
    try {
      stream = await openStream(url, { headers, lastEventId: sent });
    } catch {
      return 'again';
    }
    connection.status = stream.status;
    if (stream.status !== 200 || !stream.isEventStream) {
      stream.close();
      return stream.status === 200 ? 'content-type' : 'http-status';
    }
    for await (const event of stream) {
      connection.events += 1;
      events.push(event);
    }
    wait = Math.min(stream.parser.retryMs ?? wait, longestRetryMs);
    return 'again';
  }

  async function run() {
    while (!isClosed) {
      if (connections.length >= mostConnections) return 'too-many-connections';
      const outcome = await connect();
      if (isClosed) break;
      if (outcome !== 'again') return outcome;
      await sleep(wait);
    }
    return 'closed';
  }

  return {
    events,
    connections,
    lastEventId,
    done: run(),
    async next(type, timeoutMs = 10_000) {
      for (const deadline = performance.now() + timeoutMs; performance.now() < deadline;) {
        const event = events[given];
        if (event === undefined) await sleep(5);
        else given += 1;
        if (event !== undefined && (type === undefined || event.type === type)) return event;
      }
      throw new Error(
        `no ${type ?? 'event'} in time; seen: ${events.map((e) => e.type).join(', ')}`,
      );
    },
    cut: () => stream?.close(),
    close() {
      isClosed = true;
      stream?.close();
    },
  };
}
