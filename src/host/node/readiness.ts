/**
 * Tells whether this process should be given more to do. A proxy that asks `/ready` needs a moment
 * to notice that the answer has changed, and new turns are taken until then.
 */

/** The time that a proxy which asks is given, in milliseconds: two or three of its questions. */
const NOTICE_MS = 5_000;
/** The time after which a proxy that asks no more is taken to have gone, in milliseconds. */
const WATCHED_FOR_MS = 60_000;

export class Readiness {
  #isStopping = false;
  #askedAt: number | undefined;

  /** Answers a question of a proxy, and remembers that there is one who asks. */
  ask(): boolean {
    this.#askedAt = performance.now();
    return !this.#isStopping;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /**
   * Says from now on that the process is stopping.
   * @param delayMs the operator's setting
   * @returns for how many milliseconds new turns are still taken
   */
  stop(delayMs?: number): number {
    this.#isStopping = true;
    const isWatched =
      this.#askedAt !== undefined && performance.now() - this.#askedAt < WATCHED_FOR_MS;
    return delayMs ?? (isWatched ? NOTICE_MS : 0);
  }
}
