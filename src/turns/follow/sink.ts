/** A destination that a turn is written to directly, with no stream in between. */
export interface Sink {
  /**
   * Writes text; returns false when the sink wants no more for now.
   * @param bytes the same in UTF-8, where it has been made already
   */
  write(text: string, bytes?: Uint8Array): boolean;
  /** Writes the last text and ends. */
  end(text: string, bytes?: Uint8Array): void;
  /** Breaks off, in such a way that the reader cannot mistake what it has for the whole. */
  fail(error: unknown): void;
  /** Calls back once, when the sink takes more again. */
  onDrain(callback: () => void): void;
  /** Calls back once, when the reader has left or everything is written. */
  onClose(callback: () => void): void;
}

/**
 * Writes a stream of UTF-8 bytes to a sink, no faster than the sink takes it.
 * @returns when the stream has ended or failed or the reader has left; never rejects
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
