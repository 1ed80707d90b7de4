/** What all wires of server-sent events have in common. */

/** Headers of every event stream: nothing on the way may hold it back, change it or keep it. */
export const EVENT_STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
} as const;

/** The literal text that ends every event stream. */
export const DONE = '[DONE]';
