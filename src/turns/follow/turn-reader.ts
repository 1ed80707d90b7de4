/**
 * A reader: a position in an answer, moved along by whoever pulls. It takes what lies beyond its position, so a slow client gets larger deltas and holds no
 * memory but its place.
 */
import { cursorPrefix, encodeEnd, encodePosition } from '../../core/cursor.ts';
import type { Position } from '../../core/message-buffer.ts';
import type { Encoder, PartPosition, WireName } from '../../wire/wire.ts';
import { encoderFor } from '../../wire/registry.ts';
import type { TurnSource } from './turn-source.ts';

/** From where to read: before everything, after `turn.started` and a position, or only the end. */
export type StartAt = 'start' | 'end' | Position;

/** UTF-16 units of a text that are taken at once: what has been taken waits in memory, once for each client that is slow. */
const LONGEST_READ = 32_768;

class TurnReader implements PartPosition {
  readonly #source: TurnSource;
  readonly #encoder: Encoder;
  readonly #prefix: string;
  #started: boolean;
  #part: number;
  #offset: number;
  #isBehind = false;

  constructor(source: TurnSource, wire: WireName, startAt: StartAt) {
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

  initialId(): string {
    if (!this.#started) return this.#encoder.initialId(this.#prefix);
    // A reader that only gets the end has no place of its own: it keeps the cursor that it came with.
    return this.#part === Number.MAX_SAFE_INTEGER
      ? ''
      : this.#encoder.initialId(this.at(this.#offset));
  }

  keepAlive(): string {
    return this.#encoder.keepAlive();
  }

  /** Whether the last take has left something for the next. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** What lies beyond the position, encoded; empty when there is nothing new. */
  read(): string {
    let text = '';
    if (!this.#started) {
      this.#started = true;
      text = this.#encoder.started(this.#source.head, this.at(0));
    }
    // To some wires a text says nothing.
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

/** Where a turn is written to without a stream between. */
export interface Sink {
  /** False when it has taken enough for now. */
  write(text: string): boolean;
  /** Writes the last there is. */
  end(text: string): void;
  /** Gives up in the middle. */
  fail(error: unknown): void;
  /** Calls back once, when it takes more again. */
  onDrain(callback: () => void): void;
  /** Calls back once, when nobody reads any more or all is written. */
  onClose(callback: () => void): void;
}

const utf8 = new TextEncoder();

interface Reading {
  source: TurnSource;
  wire: WireName;
  startAt: StartAt;
  /** Send an id with no data at once. */
  initialId: boolean;
  /** A comment is sent when nothing else was for so long. */
  keepAliveMs: number;
  /** Called when the client goes away before the end. */
  onLeave: () => void;
}

/** One client's way through a turn, either pulled by a stream or pushed into a sink. */
class Subscription {
  readonly #source: TurnSource;
  readonly #reader: TurnReader;
  readonly #onLeave: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #opening: string;
  #isOver = false;
  /** Quarters of the keep-alive period in which nothing was sent. */
  #quietQuarters = 0;
  #onIdle: () => void = () => undefined;

  constructor({ source, wire, startAt, initialId, keepAliveMs, onLeave }: Reading) {
    this.#source = source;
    this.#reader = new TurnReader(source, wire, startAt);
    this.#onLeave = onLeave;
    this.#opening = initialId ? this.#reader.initialId() : '';
    this.#timer = setInterval(() => {
      if (++this.#quietQuarters < 4) return;
      this.#quietQuarters = 0;
      this.#onIdle();
    }, keepAliveMs / 4);
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    while (!this.#isOver) {
      const text = this.#read();
      if (text !== '') controller.enqueue(utf8.encode(text));
      if (this.#isOver) controller.close();
      if (text !== '') return;
      if (!(await this.#changedOrIdle()) || this.#isOver) continue;
      const comment = this.#reader.keepAlive();
      if (comment === '') continue;
      controller.enqueue(utf8.encode(comment));
      return;
    }
  }

  push(sink: Sink): void {
    let isFull = false;
    const flow = () => {
      isFull = false;
      do {
        if (this.#isOver) return;
        const text = this.#read();
        if (this.#isOver) return sink.end(text);
        if (text !== '') isFull = !sink.write(text);
      } while (!isFull && this.#reader.isBehind);
      if (isFull) sink.onDrain(flow);
      else
        this.#source
          .changed()
          .then(flow)
          .catch((error: unknown) => sink.fail(error));
    };
    const sayAlive = () => {
      const comment = isFull || this.#isOver ? '' : this.#reader.keepAlive();
      if (comment !== '') sink.write(comment);
    };
    this.#onIdle = sayAlive;
    sink.onClose(() => this.leave());
    flow();
  }

  leave(): void {
    if (this.#isOver) return;
    this.#stop();
    this.#onLeave();
  }

  /** What there is to send now; with the end of the turn in it the course is over. */
  #read(): string {
    const text = this.#opening + this.#reader.read();
    this.#opening = '';
    if (text !== '') this.#quietQuarters = 0;
    if (this.#source.outcome && !this.#reader.isBehind) this.#stop();
    return text;
  }

  #stop(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
    this.#onIdle();
  }

  /** Waits for something new; true when the wait was cut short instead. */
  #changedOrIdle(): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = () => resolve(true);
      this.#onIdle = wake;
      void this.#source.changed().then(() => resolve(false));
    });
  }
}

/** Kept on the stream: what a `WeakMap` holds outlives, with the whole turn behind it, all collections of garbage but the great ones. */
const COURSE = Symbol('course');

/** The bytes of a turn for one client: pulled as the client takes them. */
export function streamTurn(reading: Reading): ReadableStream<Uint8Array> {
  const course = new Subscription(reading);
  const body = new ReadableStream<Uint8Array>(
    { pull: (controller) => course.pull(controller), cancel: () => course.leave() },
    { highWaterMark: 0 },
  );
  return Object.assign(body, { [COURSE]: course });
}

/**
 * Writes the turn of a stream that `streamTurn` made, and that nobody has read, to a sink instead: a stream costs several promises a token.
 * @returns false when it is another stream
 */
export function pushTurn(
  body: ReadableStream<Uint8Array> & { [COURSE]?: Subscription },
  sink: Sink,
): boolean {
  const course = body.locked ? undefined : body[COURSE];
  course?.push(sink);
  return course !== undefined;
}
