/**
 * HTTP as the providers are given it: `fetch`, and a way to read a stream of events before its
 * reader does, or instead of one.
 */

/** Reads a body as it arrives. Until it hands bytes on, the body has no other reader. */
export interface BodyInterceptor {
  /**
   * Whether all has been said, which is the end for a reader. The body may go on to its own end,
   * which keeps the connection; after {@link LINGER_MS} it is cut off.
   */
  readonly isDone: boolean;
  /**
   * Takes bytes that arrived.
   * @returns what a reader is to see. Once it has handed bytes on, it always returns some; after
   * the end they have no length
   */
  push(bytes: Uint8Array): Uint8Array | undefined;
  /**
   * The body has come to its own end, of which there is no reader yet.
   * @returns undefined when nobody needs to read it at all
   */
  end(): Uint8Array | undefined;
  /** The body broke off: otherwise as {@link end}. */
  fail(cause?: unknown): Uint8Array | undefined;
}

/** How long a body may last of which nothing more is wanted, milliseconds. */
export const LINGER_MS = 1_000;

/**
 * @param tap for the body of a good answer that is a stream of events; any other is left alone
 * @returns when there is an answer for a reader: never, where the tap has kept the whole for itself
 */
export type HttpFetch = (
  input: Parameters<typeof fetch>[0],
  init: RequestInit | undefined,
  tap?: BodyInterceptor,
) => Promise<Response>;

export function isEventStream(status: number, contentType: string | null | undefined): boolean {
  return status === 200 && (contentType?.includes('text/event-stream') ?? false);
}

/**
 * Returns names and values. The providers bring a plain object with names in lower case: to make
 * `Headers` of it and back would cost more than all else on the way.
 */
export function headerRecord(headers: RequestInit['headers']): Record<string, string> {
  const isPlain = headers !== undefined && Object.getPrototypeOf(headers) === Object.prototype;
  // An object that is neither a list nor `Headers` holds names and values.
  return isPlain ? (headers as Record<string, string>) : Object.fromEntries(new Headers(headers));
}

/** The network by a runtime's own `fetch`. */
export function networkBy(fetch: typeof globalThis.fetch): HttpFetch {
  return async (input, init, tap) => {
    // A redirect would carry a key to another address.
    const response = await fetch(input, { ...init, redirect: 'manual' });
    const { body, status, statusText, headers } = response;
    if (!tap || !body || !isEventStream(status, headers.get('content-type'))) return response;
    const reads = readsOf(body);
    const first = await follow(reads, tap);
    if (!first) return new Promise(() => undefined);
    return new Response(streamOf(reads, tap, first), { status, statusText, headers });
  };
}

/** Bytes of one read. On Workers each read costs, and without our buffer brings 4 KiB at most. */
const READ_SIZE = 32 * 1024;

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

/** Shows the tap what arrives until it hands on; undefined when it never did. */
async function follow(reads: Reads, tap: BodyInterceptor): Promise<Uint8Array | undefined> {
  for (;;) {
    if (tap.isDone) return drainRequest(reads, tap);
    let bytes: Uint8Array | undefined;
    try {
      bytes = await reads.next();
    } catch (error) {
      // Whoever reads on meets the same failure.
      return tap.fail(error);
    }
    const handed = bytes ? tap.push(bytes) : tap.end();
    if (handed || !bytes) return handed;
  }
}

/** Reads to the end if it comes soon; otherwise the body is cut off. */
async function drainRequest(reads: Reads, tap: BodyInterceptor): Promise<undefined> {
  const leave = () => void reads.cancel('the answer is whole').catch(() => undefined);
  const timer = setTimeout(leave, LINGER_MS);
  try {
    for (let more = await reads.next(); more; more = await reads.next()) tap.push(more);
  } catch {
    // All had been said before it broke off.
  }
  clearTimeout(timer);
  tap.end();
}

/** What is left of a body, after the bytes that are given. */
function streamOf(
  reads: Reads,
  tap: BodyInterceptor,
  first: Uint8Array,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (first.length > 0) controller.enqueue(first);
      },
      async pull(controller) {
        const bytes = tap.isDone ? undefined : await reads.next();
        const handed = bytes && tap.push(bytes);
        if (handed) return controller.enqueue(handed);
        controller.close();
        if (tap.isDone) await drainRequest(reads, tap);
      },
      cancel: (reason) => reads.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
