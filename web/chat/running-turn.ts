/** The turn whose answer the page follows, through lost connections, to its end. */
import { call } from '../api/client.ts';
import { follow, isEnd, startTurn } from '../api/turns.ts';
import type { Message, TurnEnd, TurnEvents } from '../api/types.ts';
import type { GrowingAnswer } from './growing.ts';

/** Milliseconds after which a turn whose stream is lost is looked for. */
const LOOK_AGAIN_MS = 3_000;

export interface TurnListener {
  started(data: TurnEvents['turn.started']): void;
  /** A message has joined the answer. */
  steered(text: string): void;
  ended(end: TurnEnd): void;
  /** The connection is lost; the turn goes on, and is looked for. */
  lost(): void;
  /** The answer comes once more, from its beginning. */
  again(): GrowingAnswer;
}

export class RunningTurn {
  readonly turnId: string;
  readonly #listener: TurnListener;
  #growing: GrowingAnswer;
  #stop: () => void = () => {};
  #isLeft = false;

  constructor(turnId: string, growing: GrowingAnswer, listener: TurnListener) {
    this.turnId = turnId;
    this.#growing = growing;
    this.#listener = listener;
    this.#follow();
  }

  /** Stops following: the turn itself goes on. */
  leave(): void {
    this.#isLeft = true;
    this.#stop();
  }

  #follow(): void {
    this.#stop = follow(this.turnId, {
      event: (event) => {
        if (event.type === 'turn.started') this.#listener.started(event.data);
        if (event.type === 'steered') this.#listener.steered(event.data.message.content);
        this.#growing.take(event);
        if (isEnd(event)) this.#end(event.data);
      },
      lost: () => {
        this.#listener.lost();
        this.#lookAgain();
      },
    });
  }

  #end(end: TurnEnd): void {
    this.leave();
    this.#listener.ended(end);
  }

  #lookAgain(): void {
    setTimeout(() => {
      if (this.#isLeft) return;
      call<{ status: string; message: Message; error?: TurnEnd['error'] }>(
        `/turns/${this.turnId}`,
      ).then(
        ({ status, message, error }) => {
          if (this.#isLeft) return;
          if (status !== 'streaming')
            return this.#end({ turn_id: this.turnId, message, ...(error ? { error } : {}) });
          this.#growing = this.#listener.again();
          this.#follow();
        },
        () => this.#lookAgain(),
      );
    }, LOOK_AGAIN_MS);
  }
}

export { startTurn };
