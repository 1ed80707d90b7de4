/** Keeps the work that outlives its request; a shutdown waits for it. */
export class DeferredWork {
  readonly #pending = new Set<Promise<unknown>>();

  /** Adds work, which handles its own errors. */
  add(work: Promise<unknown>): void {
    const settled = work.catch(() => undefined).finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
  }

  /** Resolves when no work is left, or after the given milliseconds. */
  async settled(withinMs: number): Promise<void> {
    const late = new Promise((resolve) => setTimeout(resolve, withinMs).unref());
    await Promise.race([Promise.all(this.#pending), late]);
  }
}
