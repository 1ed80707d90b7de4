/** Admits new turns until the process shuts down, and none after that. */
import { stopping } from '../../core/errors.ts';

export class AdmissionGate {
  readonly #entering = new Set<Promise<unknown>>();
  #isClosed = false;

  /** Runs a request that may begin a turn, and lists it in `entering` until it is done. */
  async enter<T>(start: () => Promise<T>): Promise<T> {
    const entering = start();
    this.#entering.add(entering);
    try {
      return await entering;
    } finally {
      this.#entering.delete(entering);
    }
  }

  /**
   * Checks that turns may still begin; call it before each attempt to begin one.
   * @throws ParleyError `shutting_down`
   */
  mustBeOpen(): void {
    if (!this.#isClosed) return;
    throw stopping();
  }

  close(): void {
    this.#isClosed = true;
  }

  /** The requests that have been admitted and may still begin a turn. */
  get entering(): readonly Promise<unknown>[] {
    return [...this.#entering];
  }
}
