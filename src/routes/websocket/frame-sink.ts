/** Writes a turn to a WebSocket: each line of the wire becomes a frame. */
import type { Principal } from '../../core/principal.ts';
import type { Sink } from '../../turns/follow/sink.ts';

/** The caller who opened a socket, who is known or has named a user. */
export type SocketUser = Principal & { userId: string };

/** The APIs of other people's clients that have sockets of their own. */
export type SocketApi = 'responses';

/** A short text, of at most a thousand characters. */
export interface SocketMemory {
  read(): string | undefined;
  write(text: string): void;
}

/** A user's socket, as a runtime provides it. */
export interface Socket {
  /** Its owner. */
  user: SocketUser;
  send(frame: string): void;
  /** The subprotocol that its client speaks; undefined for our own frames. */
  readonly protocol?: string | undefined;
  /** The API whose frames it carries, by the address of its opening; undefined for our own. */
  readonly api?: SocketApi | undefined;
  /** The memory that its API keeps with it while it is open, also while it sleeps. */
  readonly memory?: SocketMemory;
  /** Closes it, so that the client knows that it may not have everything. */
  close?: () => void;
  /** The bytes that the client has not taken yet; undefined when the runtime does not say. */
  readonly bufferedAmount?: number | undefined;
  /** Aborted when the client has disconnected. */
  gone: AbortSignal;
}

/**
 * The most bytes that may wait for a client before reading its turn is paused; a slow client then
 * gets larger frames.
 */
const MOST_BUFFERED = 256 * 1024;
/**
 * The interval at which a full socket is checked, in milliseconds, since sockets do not report that
 * they have drained.
 */
const DRAIN_CHECK_MS = 50;

/**
 * Returns a sink that writes frames.
 * @param settle called once, when the turn has been written or cannot be
 */
export function frameSink(
  socket: Socket,
  settle: { resolve: () => void; reject: (error: unknown) => void },
): Sink {
  let rest = '';
  const closed = new AbortController();
  const isFull = () => (socket.bufferedAmount ?? 0) > MOST_BUFFERED;
  const write = (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) socket.send(line);
    return !isFull();
  };
  return {
    write,
    end(text) {
      write(text);
      closed.abort();
      settle.resolve();
    },
    fail(error) {
      closed.abort();
      settle.reject(error);
    },
    onDrain(callback) {
      const check = () => {
        if (socket.gone.aborted) return;
        if (isFull()) setTimeout(check, DRAIN_CHECK_MS);
        else callback();
      };
      setTimeout(check, DRAIN_CHECK_MS);
    },
    onClose(callback) {
      const once = oneCall(callback);
      if (socket.gone.aborted || closed.signal.aborted) once();
      socket.gone.addEventListener('abort', once, { once: true });
      closed.signal.addEventListener('abort', once, { once: true });
      socket.gone.addEventListener('abort', settle.resolve, { once: true });
    },
  };
}

/** Returns a function that calls back the first time that it is called. */
function oneCall(callback: () => void): () => void {
  let isCalled = false;
  return () => {
    if (!isCalled) callback();
    isCalled = true;
  };
}
