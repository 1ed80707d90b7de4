/**
 * The HTTP client that providers receive: `fetch`, with a way to read an event stream before its
 * reader, or instead of one.
 */

/** Reads a body as it arrives. Until it passes bytes on, the body has no other reader. */
export interface BodyInterceptor {
  /**
   * Whether the content is complete. For a reader this is the end. The body may still reach its own
   * end, which keeps the connection alive; it is cut off after {@link LINGER_MS}.
   */
  readonly isDone: boolean;
  /**
   * Takes bytes that arrived.
   * @returns the bytes for a reader. Once it has passed bytes on, it always returns some; after the
   * end they have no length
   */
  push(bytes: Uint8Array): Uint8Array | undefined;
  /**
   * Called when the body has ended before it had a reader.
   * @returns undefined when nobody needs to read it at all
   */
  end(): Uint8Array | undefined;
  /** Called when the body has broken off; otherwise like {@link end}. */
  fail(cause?: unknown): Uint8Array | undefined;
}

/** Milliseconds that a body may continue after its content is complete. */
export const LINGER_MS = 1_000;

/**
 * Makes a request.
 * @param tap for the body of a successful answer that is an event stream; any other body is left
 * alone
 * @returns when there is an answer for a reader: never, if the tap has kept everything for itself
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
 * Returns header names and values. Providers pass a plain object with lower-case names; converting
 * it to `Headers` and back would be the most expensive step of a request.
 */
export function headerRecord(headers: RequestInit['headers']): Record<string, string> {
  const isPlain = headers !== undefined && Object.getPrototypeOf(headers) === Object.prototype;
  // An object that is neither an array nor `Headers` holds names and values.
  return isPlain ? (headers as Record<string, string>) : Object.fromEntries(new Headers(headers));
}

/** Returns an HTTP client that uses the runtime's own `fetch`. */
export function networkBy(fetch: typeof globalThis.fetch): HttpFetch {
  return async (input, init, tap) => {
    // A redirect would send the key to another address.
    const response = await fetch(input, { ...init, redirect: 'manual' });
    const { body, status, statusText, headers } = response;
    if (!tap || !body || !isEventStream(status, headers.get('content-type'))) return response;
    const reads = readsOf(body);
    const first = await follow(reads, tap);
    if (!first) return new Promise(() => undefined);
    return new Response(streamOf(reads, tap, first), { status, statusText, headers });
  };
}

/**
 * Bytes of one read. On Workers each read is expensive, and without our buffer returns at most 4
 * KiB.
 */
const READ_SIZE = 32 * 1024;

interface Reads {
  /** Returns the next bytes, or undefined at the end. */
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

/** Passes bytes to the tap until it returns some; undefined if it never did. */
async function follow(reads: Reads, tap: BodyInterceptor): Promise<Uint8Array | undefined> {
  for (;;) {
    if (tap.isDone) return drainRequest(reads, tap);
    let bytes: Uint8Array | undefined;
    try {
      bytes = await reads.next();
    } catch (error) {
      // The next reader meets the same failure.
      return tap.fail(error);
    }
    const handed = bytes ? tap.push(bytes) : tap.end();
    if (handed || !bytes) return handed;
  }
}

/** Reads to the end if it comes soon, and cuts the body off otherwise. */
async function drainRequest(reads: Reads, tap: BodyInterceptor): Promise<undefined> {
  const leave = () => void reads.cancel('the answer is whole').catch(() => undefined);
  const timer = setTimeout(leave, LINGER_MS);
  try {
    for (let more = await reads.next(); more; more = await reads.next()) tap.push(more);
  } catch {
    // The content was complete before the body broke off.
  }
  clearTimeout(timer);
  tap.end();
}

/** Returns the rest of a body, after the given bytes. */
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
