/** The headers and the end that all wires of server-sent events share. */

/** The headers of every event stream: proxies must not buffer, change or cache it. */
export const EVENT_STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
} as const;

/** The text that ends every event stream. */
export const DONE = '[DONE]';
