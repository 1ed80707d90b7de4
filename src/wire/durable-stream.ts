/**
 * Durable Streams, as far as reading goes (protocol 1.0 draft): the text of an answer as a stream
 * that is closed when the answer is whole. An offset is one of our cursors in a form that sorts:
 * the part of the answer and the UTF-16 unit in it, both padded.
 */
import { cursorPrefix, decodeCursor, encodeEnd, encodePosition } from '../core/cursor.ts';
import type { Position } from '../core/message-buffer.ts';
import { terminalEvent, type TurnHead } from '../core/message.ts';
import { EVENT_STREAM_HEADERS, eventLines, withoutSplitBreak } from './sse.ts';
import { BrokenOff, type Encoder, type Wire } from './wire.ts';

/** The offset after everything in a closed stream; it sorts after every position. */
export const END = 'end';
const PART_DIGITS = 4;
const UNIT_DIGITS = 10;
const FORMAT = new RegExp(`^(\\d{${PART_DIGITS}})_(\\d{${UNIT_DIGITS}})$`, 'u');

/** Milliseconds between two values of the cursor by which caches tell requests apart (§10.1). */
const INTERVAL_MS = 20_000;
/** The time at which these intervals begin. */
const FIRST_INTERVAL = Date.UTC(2024, 9, 9);

/** Returns the offset of a position. */
export function offsetOf({ part, offset }: Position): string {
  const unit = String(offset).padStart(UNIT_DIGITS, '0');
  return `${String(part).padStart(PART_DIGITS, '0')}_${unit}`;
}

/** Returns the position of an offset; undefined for a text that is no position. */
export function positionOf(offset: string): Position | undefined {
  const [, part, unit] = FORMAT.exec(offset) ?? [];
  return part === undefined ? undefined : { part: Number(part), offset: Number(unit) };
}

/** Returns our own cursor of a position in a turn, or of its end. */
export function cursorAt(head: TurnHead, at: Position | typeof END): string {
  const { sequenceNumber } = head.assistantMessage;
  const prefix = cursorPrefix({ turnId: head.turnId, sequenceNumber });
  return at === END ? encodeEnd(prefix) : encodePosition(prefix, at.part, at.offset);
}

/**
 * Returns the value for `Stream-Cursor`.
 * @param shown the one that the client showed, which the next one must exceed
 */
export function streamCursor(shown?: string): string {
  const interval = Math.floor((Date.now() - FIRST_INTERVAL) / INTERVAL_MS);
  const before = Number(shown);
  return String(Number.isSafeInteger(before) && before >= interval ? before + 1 : interval);
}

/** A piece of a stream, and where it ends. */
export interface Batch {
  text: string;
  /** The offset after the text. */
  offset: string;
  /** Nothing follows. */
  isClosed: boolean;
  /** The turn failed, so that nothing follows and the text is not whole. */
  isFailed?: boolean;
}

/** All but the text and the end, of which these wires say nothing. */
const TEXT_ALONE = {
  initialId: () => '',
  started: () => '',
  reasoning: () => '',
  part: () => '',
  refused: () => {
    throw new BrokenOff();
  },
} satisfies Partial<Encoder>;

/** The stream as server-sent events: batches of text, each followed by where it ends. */
export const durableSse: Wire = {
  name: 'durable-sse',
  headers: EVENT_STREAM_HEADERS,
  isEventStream: true,
  isStateless: true,
  encoder: eventEncoder,
};

function eventEncoder(): Encoder {
  return {
    ...TEXT_ALONE,
    text(delta, start, position) {
      const { at } = decodeCursor(position.at(start + delta.length));
      if (typeof at !== 'object') return '';
      const text = withoutSplitBreak(delta, position.before(start));
      const control = { streamNextOffset: offsetOf(at), streamCursor: streamCursor() };
      return data(text) + controlEvent({ ...control, upToDate: true });
    },
    ended(_, outcome) {
      // A reader of text alone would take what is there for the whole answer.
      if (terminalEvent(outcome.message.status) === 'turn.failed') throw new BrokenOff();
      return controlEvent({ streamNextOffset: END, upToDate: true, streamClosed: true });
    },
    keepAlive: () => ': keep-alive\n\n',
  };
}

function data(text: string): string {
  return text === '' ? '' : `event: data\ndata: ${eventLines(text)}\n\n`;
}

function controlEvent(control: object): string {
  return `event: control\ndata: ${JSON.stringify(control)}\n\n`;
}

/** The same as lines of JSON, each a {@link Batch}: for readers of ours. */
export const durableBatches: Wire = {
  name: 'durable-batches',
  headers: {},
  isEventStream: false,
  isStateless: true,
  encoder: batchEncoder,
};

function batchEncoder(): Encoder {
  return {
    ...TEXT_ALONE,
    text(delta, start, position) {
      const { at } = decodeCursor(position.at(start + delta.length));
      if (typeof at !== 'object') return '';
      return batchLine({ text: delta, offset: offsetOf(at), isClosed: false });
    },
    ended(_, outcome) {
      const isFailed = terminalEvent(outcome.message.status) === 'turn.failed';
      return batchLine({ text: '', offset: END, isClosed: !isFailed, isFailed });
    },
    keepAlive: () => '',
  };
}

function batchLine(batch: Batch): string {
  return `${JSON.stringify(batch)}\n`;
}
