/** Where a turn can be written to without a stream in between. */
export interface Sink {
  /** Returns false when it has taken enough for now. */
  write(text: string): boolean;
  /** Writes the last there is. */
  end(text: string): void;
  /** Gives up in the middle: the reader must not take what it has for the whole. */
  fail(error: unknown): void;
  /** Calls back once, when it takes more again. */
  onDrain(callback: () => void): void;
  /** Calls back once, when nobody reads any more or all is written. */
  onClose(callback: () => void): void;
}

/**
 * Writes a stream of bytes, UTF-8 text, to a sink, no faster than it takes it.
 * @returns when the stream has ended, broken or been left; never rejects
 */
export async function pumpToSink(stream: ReadableStream<Uint8Array>, sink: Sink): Promise<void> {
  const reader = stream.getReader();
  let isOpen = true;
  sink.onClose(() => {
    isOpen = false;
    void reader.cancel().catch(() => undefined);
  });
  const decoder = new TextDecoder();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      const isFull = !sink.write(decoder.decode(read.value, { stream: true }));
      if (isFull && isOpen) await drained(sink);
    }
    if (isOpen) sink.end('');
  } catch (error) {
    if (isOpen) sink.fail(error);
  }
}

function drained(sink: Sink): Promise<void> {
  return new Promise((resolve) => {
    sink.onDrain(resolve);
    sink.onClose(resolve);
  });
}
