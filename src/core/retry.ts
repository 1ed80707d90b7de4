/** Waits, and retries after waiting. */

/**
 * Resolves after the given number of milliseconds.
 * @throws the abort reason, as soon as `signal` fires
 */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      // The owner of the signal chooses the abort reason, so its type is unknown.
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

export interface RetryOptions {
  /** Milliseconds before the second attempt; each pause is twice the one before. */
  firstPauseMs: number;
  longestPauseMs: number;
  /**
   * Returns the milliseconds to wait after an error, usually `pauseMs`; or throws the error that
   * the caller gets instead of another attempt.
   */
  onError: (error: unknown, pauseMs: number) => number;
  signal?: AbortSignal;
}

/**
 * Returns what `attempt` returns once it succeeds. Pauses vary at random by half of their length,
 * so that callers that failed together do not retry together.
 * @throws what `onError` throws, or the abort reason when `signal` fires during a pause
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  { firstPauseMs, longestPauseMs, onError, signal }: RetryOptions,
): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    let waitMs: number;
    try {
      return await attempt();
    } catch (error) {
      waitMs = onError(error, pauseMs * (0.5 + Math.random()));
    }
    await sleep(waitMs, signal);
  }
}
