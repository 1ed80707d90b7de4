/** Reads the first line of a stream. */

/**
 * Returns the first line without its end; undefined when the stream ends or the signal is aborted
 * before.
 * @param stream is cancelled
 * @throws the error of a stream that breaks
 */
export async function firstLine(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const stop = () => void reader.cancel().catch(() => undefined);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (let text = ''; ;) {
      const { done, value } = await reader.read();
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
      const end = text.indexOf('\n');
      if (end >= 0) return text.slice(0, end);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}
