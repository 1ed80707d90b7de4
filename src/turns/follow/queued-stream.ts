/**
 * Streams a turn that is still queued. Its reader gets the response head at once, and keep-alive
 * comments until the turn begins, so that no proxy times out.
 */
import { failureOf } from '../../core/errors.ts';
import type { Wire } from '../../wire/wire.ts';
import type { TurnAddress, TurnStream } from '../turn-service.ts';
import type { Sink } from './sink.ts';

export interface QueuedStreamOptions extends TurnAddress {
  wire: Wire;
  keepAliveMs: number;
  /** Resolves with the turn when it is accepted; rejects when it is not. */
  accepted: Promise<TurnStream>;
  /** Called when the client leaves before that. */
  onLeave: () => void;
}

/** The result of waiting: the turn, or the last text that the reader gets. */
type Outcome = { stream: TurnStream } | { refusal: string };

const utf8 = new TextEncoder();

export class QueuedStream implements TurnStream {
  readonly turnId: string;
  readonly conversationId: string;
  readonly #keepAliveMs: number;
  readonly #comment: string;
  readonly #outcome: Promise<Outcome>;
  readonly #onLeave: () => void;
  #hasLeft = false;

  constructor({
    turnId,
    conversationId,
    wire,
    keepAliveMs,
    accepted,
    onLeave,
  }: QueuedStreamOptions) {
    this.turnId = turnId;
    this.conversationId = conversationId;
    this.#keepAliveMs = keepAliveMs;
    this.#onLeave = onLeave;
    const encoder = wire.encoder();
    this.#comment = encoder.keepAlive();
    this.#outcome = accepted.then(
      (stream) => ({ stream }),
      (error: unknown) => ({
        refusal: encoder.refused({ turnId, conversationId }, failureOf(error)),
      }),
    );
    // It may be refused before anybody reads: whoever reads later is told.
    this.#outcome.catch(() => undefined);
  }

  pipe(sink: Sink): void {
    const say = () => void (this.#comment !== '' && sink.write(this.#comment));
    const timer = setInterval(say, this.#keepAliveMs);
    const leave = () => {
      clearInterval(timer);
      this.leave();
    };
    sink.onClose(leave);
    say();
    const breakOff = (error: unknown) => {
      clearInterval(timer);
      sink.fail(error);
    };
    void this.#outcome.then((outcome) => {
      clearInterval(timer);
      if ('refusal' in outcome) sink.end(outcome.refusal);
      else if (this.#hasLeft) outcome.stream.leave();
      else outcome.stream.pipe(sink);
    }, breakOff);
  }

  readable(): ReadableStream<Uint8Array> {
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
    let hasSpoken = false;
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      if (!reader) {
        const outcome = hasSpoken ? await this.#outcomeOrIdle() : undefined;
        hasSpoken = true;
        if (!outcome) return controller.enqueue(utf8.encode(this.#comment));
        if ('refusal' in outcome) {
          controller.enqueue(utf8.encode(outcome.refusal));
          return controller.close();
        }
        reader = outcome.stream.readable().getReader();
      }
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    };
    const cancel = () => (reader ? reader.cancel() : this.leave());
    return new ReadableStream({ pull, cancel }, { highWaterMark: 0 });
  }

  leave(): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#onLeave();
    void this.#outcome.then(
      (outcome) => 'stream' in outcome && outcome.stream.leave(),
      () => undefined,
    );
  }

  /** Waits for the result; undefined when a keep-alive period passes without one. */
  #outcomeOrIdle(): Promise<Outcome | undefined> {
    const { promise: idle, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), this.#keepAliveMs);
    return Promise.race([this.#outcome, idle]).finally(() => clearTimeout(timer));
  }
}
