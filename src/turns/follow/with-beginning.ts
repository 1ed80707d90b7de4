/** Puts a text before the stream of a turn. */
import type { TurnStream } from '../turn-service.ts';

/** Returns the same stream with a text before it. */
export function withBeginning(stream: TurnStream, text: string): TurnStream {
  const { turnId, conversationId, limits } = stream;
  return {
    turnId,
    conversationId,
    limits,
    pipe(sink) {
      sink.write(text);
      stream.pipe(sink);
    },
    readable() {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
      });
      // Whatever breaks off the one breaks off the other.
      stream
        .readable()
        .pipeTo(writable)
        .catch(() => undefined);
      return readable;
    },
    leave: () => stream.leave(),
  };
}
