/** Queues the turns of each conversation: first come, first served, with a limited length. */
import { ParleyError } from '../../core/errors.ts';

/** The most turns that may wait in one conversation; further ones are refused. */
const LONGEST_QUEUE = 20;

export class ConversationQueues {
  #waiting = new Map<string, Set<symbol>>();
  #last = new Map<string, Promise<void>>();

  /**
   * Runs `task` after all earlier tasks of this conversation. A task whose signal is aborted while
   * it waits is not run.
   * @param onWait called when the task has to wait
   */
  async run<T>(
    conversationId: string,
    task: () => Promise<T>,
    { signal, onWait }: { signal?: AbortSignal; onWait?: () => void } = {},
  ): Promise<T> {
    const place = this.#enter(conversationId);
    const last = this.#last.get(conversationId);
    if (last) onWait?.();
    const before = last ?? Promise.resolve();
    const { promise: done, resolve: leave } = Promise.withResolvers<void>();
    const mine = before.then(() => done);
    this.#last.set(conversationId, mine);
    try {
      await unlessAborted(before, signal);
      return await task();
    } finally {
      leave();
      this.#leave(conversationId, place);
      if (this.#last.get(conversationId) === mine) this.#last.delete(conversationId);
    }
  }

  #enter(conversationId: string): symbol {
    const waiting = this.#waiting.get(conversationId) ?? new Set();
    if (waiting.size >= LONGEST_QUEUE) {
      throw queueFull();
    }
    const place = Symbol('place');
    this.#waiting.set(conversationId, waiting.add(place));
    return place;
  }

  #leave(conversationId: string, place: symbol): void {
    const waiting = this.#waiting.get(conversationId);
    waiting?.delete(place);
    if (waiting?.size === 0) this.#waiting.delete(conversationId);
  }
}

/** Returns the error for a conversation in which too many messages wait for the running turn. */
export function queueFull(): ParleyError {
  return new ParleyError({
    code: 'queue_full',
    detail: 'Too many turns are waiting in this conversation',
    retryAfter: 5,
  });
}

/** Resolves as `promise` does, or rejects as soon as the signal is aborted. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) return Promise.reject(new Error('the client has gone'));
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(new Error('the client has gone'));
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
