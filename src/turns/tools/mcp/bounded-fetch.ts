/** A `fetch` that takes no more of a server than is good for us. */

/** The longest answer to one request, in bytes as they are after decoding. */
const LONGEST_ANSWER = 2 * 1024 * 1024;

/** The longest words of an error, which go into the log, in bytes. */
const LONGEST_ERROR = 4 * 1024;

/** Milliseconds for one request, whatever it is for and whoever waits for it. */
const LONGEST_REQUEST_MS = 120_000;

/**
 * Returns a `fetch` that follows no redirect, which would send the headers to another address, and
 * that breaks an answer off which grows too long. It opens no stream for what a server says
 * unasked.
 */
export function boundedFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    if (init?.method === 'GET') return new Response(null, { status: 405 });
    const limit = AbortSignal.timeout(LONGEST_REQUEST_MS);
    const signal = init?.signal ? AbortSignal.any([init.signal, limit]) : limit;
    const response = await fetch(input, { ...init, signal, redirect: 'manual' });
    const { body, status, statusText } = response;
    if (response.type === 'opaqueredirect' || (status >= 300 && status < 400)) {
      await body?.cancel();
      throw new Error('the server redirects, which is not followed');
    }
    if (!body) return response;
    const headers = new Headers(response.headers);
    // The body is decoded already, and may be shorter than was announced.
    for (const name of ['content-encoding', 'content-length']) headers.delete(name);
    return new Response(body.pipeThrough(limitedTo(response.ok ? LONGEST_ANSWER : LONGEST_ERROR)), {
      status,
      statusText,
      headers,
    });
  };
}

/** Returns a stream that passes so many bytes, and fails at the next. */
function limitedTo(most: number): TransformStream<Uint8Array, Uint8Array> {
  let left = most;
  return new TransformStream({
    transform(bytes, controller) {
      left -= bytes.byteLength;
      if (left < 0) controller.error(new Error(`the answer is longer than ${most} bytes`));
      else controller.enqueue(bytes);
    },
  });
}
