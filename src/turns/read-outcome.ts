/** Waiting for the whole of a turn. */
import type { FinishedTurn } from '../wire/outcome.ts';
import { pushTurn, type Sink } from './reader.ts';

/**
 * Waits for the end of a turn that is delivered by the wire `outcome`.
 * @param signal aborted when whoever waits has gone; the reader then leaves the turn
 */
export async function readOutcome(
  body: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): Promise<FinishedTurn> {
  const text = await (pushed(body, signal) ?? pulled(body, signal));
  // Written by the wire alone.
  return JSON.parse(text) as FinishedTurn;
}

/** The text of a turn that runs here, without a stream between; undefined where it is another stream. */
function pushed(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<string> | undefined {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  let leave: () => void = () => undefined;
  const sink: Sink = {
    write(more) {
      text += more;
      return true;
    },
    end: (last) => resolve(text + last),
    fail: reject,
    onDrain: () => undefined,
    onClose: (callback) => (leave = callback),
  };
  if (!pushTurn(body, sink)) return undefined;
  const go = () => {
    leave();
    reject(new Error('whoever waited has gone', { cause: signal?.reason }));
  };
  if (signal?.aborted) go();
  signal?.addEventListener('abort', go, { once: true });
  return promise.finally(() => signal?.removeEventListener('abort', go));
}

async function pulled(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<string> {
  const reader = body.getReader();
  const leave = () => void reader.cancel().catch(() => undefined);
  if (signal?.aborted) leave();
  signal?.addEventListener('abort', leave, { once: true });
  try {
    const decoder = new TextDecoder();
    let text = '';
    for (let read = await reader.read(); !read.done; read = await reader.read())
      text += decoder.decode(read.value, { stream: true });
    return text;
  } finally {
    signal?.removeEventListener('abort', leave);
  }
}
