/** A WebSocket as the sink of a turn: each line of the wire is a frame. */
import type { Sink } from '../../turns/follow/sink.ts';

/** A user's socket, as a runtime brings it. */
export interface Socket {
  userId: string;
  send(frame: string): void;
  /** Bytes that wait to be taken by the client; undefined where the runtime does not tell. */
  readonly bufferedAmount?: number | undefined;
  /** Aborted when the client has gone. */
  gone: AbortSignal;
}

/** Bytes that may wait for a client before its turn is read on: a slow one then gets larger frames. */
const MOST_BUFFERED = 256 * 1024;
/** How often it is looked whether a full socket has drained, milliseconds: sockets do not tell. */
const DRAIN_CHECK_MS = 50;

/** @param settle told once, when the turn has been written or cannot be */
export function frameSink(
  socket: Socket,
  settle: { resolve: () => void; reject: (error: unknown) => void },
): Sink {
  let rest = '';
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
      settle.resolve();
    },
    fail: settle.reject,
    onDrain(callback) {
      const check = () => {
        if (socket.gone.aborted) return;
        if (isFull()) setTimeout(check, DRAIN_CHECK_MS);
        else callback();
      };
      setTimeout(check, DRAIN_CHECK_MS);
    },
    onClose(callback) {
      if (socket.gone.aborted) callback();
      socket.gone.addEventListener('abort', callback, { once: true });
      socket.gone.addEventListener('abort', settle.resolve, { once: true });
    },
  };
}
