/** One client's subscription to a turn, read by a stream or written to a sink. */
import type { StreamOptions, TurnStream } from '../turn-service.ts';
import type { Sink } from './sink.ts';
import { TurnReader, type StartAt } from './turn-reader.ts';
import type { TurnSource } from './turn-source.ts';

export interface SubscriptionOptions extends Pick<StreamOptions, 'wire' | 'initialId'> {
  source: TurnSource;
  startAt: StartAt;
  /** After so many milliseconds without an event, a comment is sent. */
  keepAliveMs: number;
  /** Called when the client leaves before the end. */
  onLeave: () => void;
}

const utf8 = new TextEncoder();

export class Subscription implements TurnStream {
  readonly turnId: string;
  readonly conversationId: string;
  readonly #source: TurnSource;
  readonly #reader: TurnReader;
  readonly #onLeave: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #opening: string;
  #isOver = false;
  /** The number of quarters of the keep-alive period in which nothing was sent. */
  #quietQuarters = 0;
  #onIdle: () => void = () => undefined;

  constructor({ source, wire, startAt, initialId, keepAliveMs, onLeave }: SubscriptionOptions) {
    ({ turnId: this.turnId, conversationId: this.conversationId } = source.head);
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

  readable(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      { pull: (controller) => this.#pull(controller), cancel: () => this.leave() },
      { highWaterMark: 0 },
    );
  }

  pipe(sink: Sink): void {
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
    const keepAlive = () => {
      const comment = isFull || this.#isOver ? '' : this.#reader.keepAlive();
      if (comment !== '') sink.write(comment);
    };
    this.#onIdle = keepAlive;
    sink.onClose(() => this.leave());
    flow();
  }

  leave(): void {
    if (this.#isOver) return;
    this.#stop();
    this.#onLeave();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
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

  /**
   * Returns the text to send now. When it contains the end of the turn, the subscription is over.
   */
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

  /** Waits for a change; returns true when the wait timed out instead. */
  #changedOrIdle(): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = () => resolve(true);
      this.#onIdle = wake;
      void this.#source.changed().then(() => resolve(false));
    });
  }
}
