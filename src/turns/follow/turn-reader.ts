/**
 * Reads a turn from a position that moves with each read. A read returns everything after the
 * position, so a slow client gets larger deltas and uses no memory but its position.
 */
import { cursorPrefix, encodeEnd, encodePosition } from '../../core/cursor.ts';
import type { Position } from '../../core/message-buffer.ts';
import type { AnswerTexts, Encoder, PartPosition, Wire } from '../../wire/wire.ts';
import type { EncodedRead, ReaderPlace } from './shared-reads.ts';
import type { TurnSource } from './turn-source.ts';

/**
 * The place where reading starts: `start` is before everything, a position comes after
 * `turn.started`, and `end` reads only the end.
 */
export type StartAt = 'start' | 'end' | Position;

/**
 * The most UTF-16 units of a text that are read at once, since each slow client keeps in memory
 * what has been read for it.
 */
const LONGEST_READ = 32_768;

export class TurnReader implements PartPosition, AnswerTexts {
  readonly #source: TurnSource;
  readonly #wire: Wire;
  readonly #encoder: Encoder;
  readonly #prefix: string;
  #started: boolean;
  #part: number;
  #offset: number;
  #isBehind = false;

  constructor(source: TurnSource, wire: Wire, startAt: StartAt) {
    this.#source = source;
    this.#wire = wire;
    this.#encoder = wire.encoder(this);
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

  textOf(part: number): string {
    return this.#source.parts.textAt(part, 0) ?? '';
  }

  /**
   * Returns an event with an id and no data, so that a client that is cut off at once reconnects
   * with a cursor.
   */
  initialId(): string {
    if (!this.#started) return this.#encoder.initialId(this.#prefix);
    // A reader that only gets the end has no position of its own and keeps the cursor that it sent.
    return this.#part === Number.MAX_SAFE_INTEGER
      ? ''
      : this.#encoder.initialId(this.at(this.#offset));
  }

  keepAlive(): string {
    return this.#encoder.keepAlive();
  }

  /** True when the last read left more for the next one. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Reads everything after the position; the text is empty when there is nothing new. */
  read(): EncodedRead {
    const shared = this.#wire.isStateless ? this.#source.shared : undefined;
    if (!shared) return this.#encoded();
    const from = this.#place();
    const known = shared.find(from);
    if (known) {
      this.#started = true;
      ({ part: this.#part, offset: this.#offset, isBehind: this.#isBehind } = known);
      return known;
    }
    const read = this.#encoded();
    if (read.text !== '') shared.keep(from, read);
    return read;
  }

  #place(): ReaderPlace {
    return {
      wire: this.#wire,
      hasStarted: this.#started,
      part: this.#part,
      offset: this.#offset,
    };
  }

  #encoded(): EncodedRead {
    const text = this.#encode();
    return { text, part: this.#part, offset: this.#offset, isBehind: this.#isBehind };
  }

  #encode(): string {
    let text = '';
    if (!this.#started) {
      this.#started = true;
      text = this.#encoder.started(this.#source.head, this.at(0));
    }
    // Some wires skip some parts, so reading continues until there is something to send.
    do text += this.#readParts();
    while (this.#isBehind && text === '');
    const { outcome, head } = this.#source;
    if (outcome && !this.#isBehind)
      text += this.#encoder.ended(head, outcome, encodeEnd(this.#prefix));
    return text;
  }

  #readParts(): string {
    const { parts } = this.#source;
    let text = '';
    this.#isBehind = false;
    for (;;) {
      const type = parts.typeAt(this.#part);
      if (type === undefined) return text;
      if (type === 'text' || type === 'reasoning') text += this.#readText(type);
      else {
        const part = parts.at(this.#part, 0);
        this.#moveOn();
        if (part && !('text' in part)) text += this.#encoder.part(part, this.at(0));
        continue;
      }
      this.#isBehind = this.#offset < parts.lengthAt(this.#part);
      if (this.#isBehind || this.#part + 1 >= parts.count) return text;
      this.#moveOn();
    }
  }

  #readText(type: 'text' | 'reasoning'): string {
    const { parts } = this.#source;
    const start = this.#offset;
    const delta = parts.textAt(this.#part, start, LONGEST_READ) ?? '';
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
