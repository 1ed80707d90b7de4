/** Waiting for the whole of a turn. */
import type { FinishedTurn } from '../../wire/outcome.ts';
import { pushTurn, type Sink } from './turn-reader.ts';

/** The text to come, and a way to go before it does. */
interface Waiting {
  text: Promise<string>;
  leave: () => void;
}

/**
 * Waits for the end of a turn that is delivered by the wire `outcome`.
 * @param signal aborted when whoever waits has gone; the reader then leaves the turn
 */
export async function readOutcome(
  body: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): Promise<FinishedTurn> {
  const { text, leave } = pushed(body) ?? pulled(body);
  if (signal?.aborted) leave();
  signal?.addEventListener('abort', leave, { once: true });
  try {
    // Written by the wire alone.
    return JSON.parse(await text) as FinishedTurn;
  } finally {
    signal?.removeEventListener('abort', leave);
  }
}

/** The text of a turn that runs here, without a stream between; undefined where it is another stream. */
function pushed(body: ReadableStream<Uint8Array>): Waiting | undefined {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = '';
  let leaveTurn: () => void = () => undefined;
  const sink: Sink = {
    write(more) {
      text += more;
      return true;
    },
    end: (last) => resolve(text + last),
    fail: reject,
    onDrain: () => undefined,
    onClose: (callback) => (leaveTurn = callback),
  };
  if (!pushTurn(body, sink)) return undefined;
  const leave = () => {
    leaveTurn();
    reject(new Error('whoever waited has gone'));
  };
  return { text: promise, leave };
}

function pulled(body: ReadableStream<Uint8Array>): Waiting {
  const reader = body.getReader();
  return { text: textOf(reader), leave: () => void reader.cancel().catch(() => undefined) };
}

async function textOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for (let read = await reader.read(); !read.done; read = await reader.read())
    text += decoder.decode(read.value, { stream: true });
  return text;
}
