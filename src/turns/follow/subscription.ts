/** One client's subscription to a turn, read by a stream or written to a sink. */
import type { Budget } from '../../core/limits.ts';
import type { StreamOptions, TurnStream } from '../turn-service.ts';
import type { KeepAliveTimer, Listener } from './keep-alive-timer.ts';
import type { EncodedRead } from './shared-reads.ts';
import type { Sink } from './sink.ts';
import { TurnReader, type StartAt } from './turn-reader.ts';
import type { TurnSource } from './turn-source.ts';

export interface SubscriptionOptions extends Pick<StreamOptions, 'wire' | 'initialId'> {
  source: TurnSource;
  startAt: StartAt;
  /** Says when it is time for a comment, since nothing else was sent. */
  keepAlive: KeepAliveTimer;
  /** Called when the client leaves before the end. */
  onLeave: () => void;
}

const utf8 = new TextEncoder();

export class Subscription implements TurnStream, Listener {
  readonly turnId: string;
  readonly conversationId: string;
  readonly answerId: string;
  readonly limits: Budget | undefined;
  readonly #source: TurnSource;
  readonly #reader: TurnReader;
  readonly #onLeave: () => void;
  readonly #keepAlive: KeepAliveTimer;
  #opening: string;
  #isOver = false;
  /** The number of quarters of the keep-alive period in which nothing was sent. */
  #quietQuarters = 0;
  #onIdle: () => void = () => undefined;

  constructor({ source, wire, startAt, initialId, keepAlive, onLeave }: SubscriptionOptions) {
    ({ turnId: this.turnId, conversationId: this.conversationId } = source.head);
    this.answerId = source.head.assistantMessage.id;
    this.limits = source.limits;
    this.#source = source;
    this.#reader = new TurnReader(source, wire, startAt);
    this.#onLeave = onLeave;
    this.#opening = initialId ? this.#reader.initialId() : '';
    this.#keepAlive = keepAlive;
  }

  readable(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      { pull: (controller) => this.#pull(controller), cancel: () => this.leave() },
      { highWaterMark: 0 },
    );
  }

  pipe(sink: Sink): void {
    let isFull = false;
    const flow = () => {
      try {
        isFull = this.#write(sink);
        if (this.#isOver) return;
        if (isFull) sink.onDrain(flow);
        else this.#await(flow);
      } catch (error) {
        // Not thrown: others who read the same turn are called back after this one.
        this.leave();
        sink.fail(error);
      }
    };
    const keepAlive = () => {
      const comment = isFull || this.#isOver ? '' : this.#reader.keepAlive();
      if (comment !== '') sink.write(comment);
    };
    this.#onIdle = keepAlive;
    flow();
    // A turn that was sent whole needs nobody to notice that its reader has left.
    if (!this.#isOver) sink.onClose(() => this.leave());
  }

  /** Writes what there is to send now. Returns true when the sink wants no more for now. */
  #write(sink: Sink): boolean {
    let isFull = false;
    do {
      if (this.#isOver) return false;
      const { text, bytes } = this.#read();
      if (this.#isOver) sink.end(text, bytes);
      else if (text !== '') isFull = !sink.write(text, bytes);
    } while (!isFull && this.#reader.isBehind);
    return isFull;
  }

  leave(): void {
    if (this.#isOver) return;
    this.#stop();
    this.#onLeave();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    while (!this.#isOver) {
      const { text } = this.#read();
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

  onQuarter(): void {
    if (++this.#quietQuarters < 4) return;
    this.#quietQuarters = 0;
    this.#onIdle();
  }

  /**
   * Returns the text to send now. When it contains the end of the turn, the subscription is over.
   */
  #read(): Pick<EncodedRead, 'text' | 'bytes'> {
    const read = this.#reader.read();
    const opening = this.#opening;
    this.#opening = '';
    if (opening + read.text !== '') this.#quietQuarters = 0;
    if (this.#source.outcome && !read.isBehind) this.#stop();
    return opening === '' ? read : { text: opening + read.text };
  }

  #stop(): void {
    this.#isOver = true;
    this.#keepAlive.remove(this);
    this.#onIdle();
  }

  #await(callback: () => void): void {
    this.#keepAlive.add(this);
    this.#source.onChange(callback);
  }

  /** Waits for a change; returns true when the wait timed out instead. */
  #changedOrIdle(): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = () => resolve(true);
      this.#onIdle = wake;
      this.#await(() => resolve(false));
    });
  }
}
