/**
 * Parses event streams by the WHATWG HTML standard, section 9.2.6 "Interpreting an event stream".
 * It works on bytes, and notes when and where each event ended.
 */

export interface SseEvent {
  /** `message` when the stream named none. */
  type: string;
  data: string;
  /** The last event id as a browser would have it after this event. */
  id: string;
  /** This event's own block had an `id` line. */
  hasOwnId: boolean;
  /** Milliseconds on the clock of `performance.now()`. */
  at: number;
  /** Bytes of the body up to the end of the event, its blank line included (of CR LF the CR). */
  offset: number;
}

export interface SseComment {
  text: string;
  at: number;
  offset: number;
}

const lf = 0x0a;
const cr = 0x0d;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Receives bytes with `push`, and calls back for each event and comment. An unended event is lost.
 */
export class SseParser {
  /** The last event id so far, including that of a block without data. */
  lastEventId: string;
  /** Milliseconds that the stream's last valid `retry` requested. */
  retryMs: number | undefined;
  /** True if any line was not UTF-8. */
  hasInvalidUtf8 = false;
  private readonly onEvent: (event: SseEvent) => void;
  private readonly onComment: (comment: SseComment) => void;
  private offset = 0;
  private lineParts: Buffer[] = [];
  private afterCr = false;
  private isFirstLine = true;
  private type = '';
  private data: string[] = [];
  private pendingId: string | undefined;

  constructor(
    onEvent: (event: SseEvent) => void,
    onComment: (comment: SseComment) => void,
    lastEventId = '',
  ) {
    this.lastEventId = lastEventId;
    this.onEvent = onEvent;
    this.onComment = onComment;
  }

  push(bytes: Buffer): void {
    let start = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const byte = bytes[at];
      const endsCrLf = this.afterCr && byte === lf;
      this.afterCr = byte === cr;
      if (endsCrLf) start = at + 1;
      else if (byte === lf || byte === cr) {
        this.lineParts.push(bytes.subarray(start, at));
        start = at + 1;
        this.endLine(this.offset + start);
      }
    }
    if (start < bytes.length) this.lineParts.push(Buffer.from(bytes.subarray(start)));
    this.offset += bytes.length;
  }

  private endLine(offset: number): void {
    let bytes = Buffer.concat(this.lineParts);
    this.lineParts = [];
    if (this.isFirstLine && bytes.subarray(0, 3).equals(byteOrderMark)) bytes = bytes.subarray(3);
    this.isFirstLine = false;
    const line = this.decode(bytes);
    if (line === '') return this.dispatch(offset);
    const colon = line.indexOf(':');
    if (colon === 0) {
      this.onComment({ text: line.slice(1), at: performance.now(), offset });
      return;
    }
    const value = colon < 0 ? '' : line.slice(colon + 1);
    this.field(colon < 0 ? line : line.slice(0, colon), value.replace(/^ /u, ''));
  }

  private field(name: string, value: string): void {
    if (name === 'event') this.type = value;
    if (name === 'data') this.data.push(value);
    if (name === 'id' && !value.includes('\0')) this.pendingId = value;
    if (name === 'retry' && /^[0-9]+$/u.test(value)) this.retryMs = Number(value);
  }

  private dispatch(offset: number): void {
    const hasOwnId = this.pendingId !== undefined;
    this.lastEventId = this.pendingId ?? this.lastEventId;
    const { type, data } = this;
    this.type = '';
    this.data = [];
    this.pendingId = undefined;
    // A single empty data line does dispatch: only the lack of any leaves the buffer empty.
    if (data.length === 0) return;
    this.onEvent({
      type: type === '' ? 'message' : type,
      data: data.join('\n'),
      id: this.lastEventId,
      hasOwnId,
      at: performance.now(),
      offset,
    });
  }

  private decode(bytes: Buffer): string {
    const text = bytes.toString('utf8');
    if (text.includes('\uFFFD') && !Buffer.from(text).equals(bytes)) this.hasInvalidUtf8 = true;
    return text;
  }
}
