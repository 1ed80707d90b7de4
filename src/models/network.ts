/** The network as the providers are given it: `fetch`, and a way to look at what a stream of events brings before its reader does. */

/** Is shown every piece of a body and hands on what its reader is to see of it. */
export interface BodyTap {
  push(bytes: Uint8Array): Uint8Array;
  /** What is left when no more is coming. */
  rest(): Uint8Array;
}

/** @param tap for the body of an answer that is a stream of events; any other is left alone */
export type Network = (
  input: Parameters<typeof fetch>[0],
  init: RequestInit | undefined,
  tap?: BodyTap,
) => Promise<Response>;

export function isEventStream(headers: Headers): boolean {
  return headers.get('content-type')?.includes('text/event-stream') ?? false;
}

/** The network by a runtime's own `fetch`. */
export function networkBy(fetch: typeof globalThis.fetch): Network {
  return async (input, init, tap) => {
    const response = await fetch(input, init);
    const { body, status, statusText, headers } = response;
    if (!tap || !body || !isEventStream(headers)) return response;
    return new Response(tapped(body, tap), { status, statusText, headers });
  };
}

/** Bytes taken at once: on Workers every read costs, and without a buffer of ours one brings 4 KiB at most. */
const READ_SIZE = 32 * 1024;

function tapped(body: ReadableStream<Uint8Array>, tap: BodyTap): ReadableStream<Uint8Array> {
  const read = readsOf(body);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const value = await read.next();
          const kept = value ? tap.push(value) : tap.rest();
          if (kept.length > 0) controller.enqueue(kept);
          if (!value) controller.close();
          if (!value || kept.length > 0) return;
        }
      },
      cancel: (reason) => read.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

interface Reads {
  /** What has arrived; undefined at the end. */
  next(): Promise<Uint8Array | undefined>;
  cancel(reason: unknown): Promise<void>;
}

function readsOf(body: ReadableStream<Uint8Array>): Reads {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: 'byob' });
  } catch {
    const plain = body.getReader();
    return {
      next: async () => (await plain.read()).value,
      cancel: (reason) => plain.cancel(reason),
    };
  }
  return {
    async next() {
      const { done, value } = await reader.read(new Uint8Array(READ_SIZE));
      return done ? undefined : value;
    },
    cancel: (reason) => reader.cancel(reason),
  };
}
