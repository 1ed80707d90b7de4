/** The turn whose answer the page follows, through lost connections, to its end. */
import { ApiError, call } from '../api/client.ts';
import { follow, isEnd } from '../api/turns.ts';
import type { Message, TurnEnd, TurnEvents } from '../api/types.ts';
import { attempt } from '../shared/attempt.ts';
import { pause } from '../shared/pause.ts';
import type { GrowingAnswer } from './growing.ts';

/** Milliseconds after which a turn whose stream is lost is looked for. */
const LOOK_AGAIN_MS = 3_000;
/** The same where the reader does not want to sign in. */
const ASK_AGAIN_MS = 60_000;

interface TurnState {
  status: string;
  message: Message;
  error?: TurnEnd['error'];
}

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
      lost: () => this.#listener.lost(),
      refused: (error) => {
        this.#listener.lost();
        void this.#lookAgain(error);
      },
    });
  }

  #end(end: TurnEnd): void {
    this.leave();
    this.#listener.ended(end);
  }

  /** Looks how the turn stands until that is known: a server may be away for a while. */
  async #lookAgain(first: unknown): Promise<void> {
    const look = () => call<TurnState>(`/turns/${this.turnId}`);
    for (let error = first; !this.#isLeft;) {
      const asksWho = statusOf(error) === 401;
      if (statusOf(error) === 404) return this.#end({ turn_id: this.turnId });
      if (!asksWho) await pause(LOOK_AGAIN_MS);
      try {
        const found = await (asksWho ? attempt(look) : look());
        if (found) return this.#goOn(found);
        await pause(ASK_AGAIN_MS);
      } catch (failure) {
        error = failure;
      }
    }
  }

  #goOn({ status, message, error }: TurnState): void {
    if (this.#isLeft) return;
    if (status !== 'streaming')
      return this.#end({ turn_id: this.turnId, message, ...(error ? { error } : {}) });
    this.#growing = this.#listener.again();
    this.#follow();
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof ApiError ? error.status : undefined;
}
