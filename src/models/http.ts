/** The HTTP client that providers receive: `fetch`, with a way to read event streams past it. */

/** Reads a body as it arrives, in place of whoever made the request. */
export interface BodyInterceptor {
  /**
   * True when the content is complete. The body may still reach its own end, which keeps the
   * connection alive; it is cut off after {@link LINGER_MS}.
   */
  readonly isDone: boolean;
  /** Takes bytes that arrived. */
  push(bytes: Uint8Array): void;
  /** Called when the body has ended. */
  end(): void;
  /** Called when the body has broken off. */
  fail(cause?: unknown): void;
}

/** Milliseconds that a body may continue after its content is complete. */
export const LINGER_MS = 1_000;

/**
 * Makes a request.
 * @param tap for the body of a successful answer that is an event stream; any other body is left
 * alone
 * @returns when there is an answer to read: never, if the tap reads it
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
    const { body, status, headers } = response;
    if (!tap || !body || !isEventStream(status, headers.get('content-type'))) return response;
    const reads = readsOf(body);
    await follow(reads, tap);
    return new Promise(() => undefined);
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

/** Passes everything that arrives to the tap. */
async function follow(reads: Reads, tap: BodyInterceptor): Promise<void> {
  while (!tap.isDone) {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await reads.next();
    } catch (error) {
      return tap.fail(error);
    }
    if (!bytes) return tap.end();
    tap.push(bytes);
  }
  await drainRequest(reads, tap);
}

/** Reads to the end if it comes soon, and cuts the body off otherwise. */
async function drainRequest(reads: Reads, tap: BodyInterceptor): Promise<void> {
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
