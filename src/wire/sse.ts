/** The headers and the end that all wires of server-sent events share. */

/** The headers of every event stream: proxies must not buffer, change or cache it. */
export const EVENT_STREAM_HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
} as const;

/** The text that ends every event stream. */
export const DONE = '[DONE]';

const CARRIAGE_RETURN = 13;

/** Returns a text for `data:`; its line breaks become several lines, as the standard says. */
export function eventLines(text: string): string {
  return text.replace(/\r\n|[\r\n]/g, '\ndata: ');
}

/**
 * Drops the `\n` of a `\r\n` that two deltas share: its `\r` was already sent as the line break.
 * @param before the UTF-16 unit before the delta; NaN at the beginning
 */
export function withoutSplitBreak(delta: string, before: number): string {
  return before === CARRIAGE_RETURN && delta.startsWith('\n') ? delta.slice(1) : delta;
}
