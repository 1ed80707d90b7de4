/** The way in for new turns: closed for good when the process shuts down. */
import { ParleyError } from '../../core/errors.ts';

export class AdmissionGate {
  readonly #entering = new Set<Promise<unknown>>();
  #isClosed = false;

  /** Runs what may begin a turn, and knows of it until it is over. */
  async enter<T>(start: () => Promise<T>): Promise<T> {
    const entering = start();
    this.#entering.add(entering);
    try {
      return await entering;
    } finally {
      this.#entering.delete(entering);
    }
  }

  /** To be asked before each try to begin a turn. @throws ParleyError `shutting_down` */
  mustBeOpen(): void {
    if (!this.#isClosed) return;
    throw new ParleyError({
      code: 'shutting_down',
      detail: 'The server is shutting down',
      retryAfter: 1,
    });
  }

  close(): void {
    this.#isClosed = true;
  }

  /** What is on its way in. */
  get entering(): readonly Promise<unknown>[] {
    return [...this.#entering];
  }
}
