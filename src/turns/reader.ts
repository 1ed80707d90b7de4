/**
 * A reader: a position in an answer, moved along by whoever pulls. It takes what lies beyond its position, so a slow client gets larger deltas and holds no
 * memory but its place.
 */
import { cursorPrefix, encodeEnd, encodePosition } from '../chat/cursor.ts';
import type { Position } from '../chat/growing-parts.ts';
import type { Encoder, Place, WireName } from '../wire/encoder.ts';
import { encoderFor } from '../wire/wires.ts';
import type { Source } from './source.ts';

/** From where to read: before everything, after `turn.started` and a position, or only the end. */
export type StartAt = 'start' | 'end' | Position;

class Reader implements Place {
  readonly #source: Source;
  readonly #encoder: Encoder;
  readonly #prefix: string;
  #started: boolean;
  #part: number;
  #offset: number;

  constructor(source: Source, wire: WireName, startAt: StartAt) {
    this.#source = source;
    this.#encoder = encoderFor(wire);
    this.#prefix = cursorPrefix({
      turnId: source.head.turnId,
      sequenceNumber: source.head.assistantMessage.sequenceNumber,
    });
    this.#started = startAt !== 'start';
    this.#part = typeof startAt === 'object' ? startAt.part : 0;
    this.#offset = typeof startAt === 'object' ? startAt.offset : 0;
    if (startAt === 'end') this.#part = Number.MAX_SAFE_INTEGER;
  }

  at(offset: number): string {
    return encodePosition(this.#prefix, this.#part, offset);
  }

  before(offset: number): number {
    return offset === 0
      ? Number.NaN
      : (this.#source.parts.textAt(this.#part, offset - 1) ?? '').charCodeAt(0);
  }

  announce(): string {
    if (!this.#started) return this.#encoder.announce(this.#prefix);
    // A reader that only gets the end has no place of its own: it keeps the cursor that it came with.
    return this.#part === Number.MAX_SAFE_INTEGER
      ? ''
      : this.#encoder.announce(this.at(this.#offset));
  }

  keepAlive(): string {
    return this.#encoder.keepAlive();
  }

  /** Everything beyond the position, encoded; empty when there is nothing new. */
  take(): string {
    let text = '';
    if (!this.#started) {
      this.#started = true;
      text = this.#encoder.started(this.#source.head, this.at(0));
    }
    text += this.#takeParts();
    const { outcome, head } = this.#source;
    if (outcome) text += this.#encoder.ended(head, outcome, encodeEnd(this.#prefix));
    return text;
  }

  #takeParts(): string {
    const { parts } = this.#source;
    let text = '';
    for (;;) {
      const type = parts.typeAt(this.#part);
      if (type === undefined) return text;
      if (type === 'text' || type === 'reasoning') text += this.#takeText(type);
      else {
        const part = parts.at(this.#part, 0);
        this.#moveOn();
        if (part && !('text' in part)) text += this.#encoder.part(part, this.at(0));
        continue;
      }
      if (this.#part + 1 >= parts.count) return text;
      this.#moveOn();
    }
  }

  #takeText(type: 'text' | 'reasoning'): string {
    const { parts } = this.#source;
    const start = this.#offset;
    const delta = parts.textAt(this.#part, start) ?? '';
    if (delta === '') return '';
    this.#offset = start + delta.length;
    if (type === 'reasoning') return this.#encoder.reasoning(delta, this.at(this.#offset));
    return this.#encoder.text(delta, start, this);
  }

  #moveOn(): void {
    this.#part++;
    this.#offset = 0;
  }
}

const utf8 = new TextEncoder();

/**
 * The bytes of a turn for one client: pulled, never pushed.
 * @param announce send an id with no data at once
 * @param keepAliveMs a comment is sent when nothing else was for so long
 * @param onLeave called when the client goes away before the end
 */
export function streamTurn({
  source,
  wire,
  startAt,
  announce,
  keepAliveMs,
  onLeave,
}: {
  source: Source;
  wire: WireName;
  startAt: StartAt;
  announce: boolean;
  keepAliveMs: number;
  onLeave: () => void;
}): ReadableStream<Uint8Array> {
  const reader = new Reader(source, wire, startAt);
  let opening = announce ? reader.announce() : '';
  let closed = false;
  let idle: () => void = () => undefined;
  let quiet = true;
  const timer = setInterval(() => {
    if (quiet) idle();
    quiet = true;
  }, keepAliveMs);
  const stop = () => {
    closed = true;
    clearInterval(timer);
    idle();
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (!closed) {
          const text = opening + reader.take();
          opening = '';
          const { outcome } = source;
          if (text !== '') controller.enqueue(utf8.encode(text));
          if (outcome) {
            stop();
            controller.close();
            return;
          }
          if (text !== '') {
            quiet = false;
            return;
          }
          const isIdle = await changedOrIdle(source, (wake) => (idle = wake));
          if (!isIdle || closed) continue;
          const comment = reader.keepAlive();
          if (comment === '') continue;
          controller.enqueue(utf8.encode(comment));
          return;
        }
      },
      cancel() {
        stop();
        onLeave();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Waits for something new; true when the wait was cut short instead. */
function changedOrIdle(source: Source, onIdle: (wake: () => void) => void): Promise<boolean> {
  return new Promise((resolve) => {
    onIdle(() => resolve(true));
    void source.changed().then(() => resolve(false));
  });
}
