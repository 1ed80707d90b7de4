/** A burst of requests and the streams that are already open share one event loop. */

/** Requests that begin before all else that is ready has its turn: about ten milliseconds of them. */
const AT_ONCE = 8;
/** So many may begin before it is looked whether the event loop has turned. */
const FEW = AT_ONCE / 2;

/**
 * Lets requests begin in their order, a few in each turn of the event loop. The work of a turn until its model is asked is done in one go: a thousand that arrive together would
 * keep every open stream, and each other's first tokens, waiting until the last of them has begun.
 */
export class RequestPacing {
  #begun = 0;
  #isPlanned = false;
  #waiting: (() => void)[] = [];

  /** @returns what to wait for before beginning; undefined: begin now */
  enter(): Promise<void> | undefined {
    // Whoever began last has planned that somebody lets these in.
    if (this.#begun >= AT_ONCE) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#begun++;
    // A request that comes alone needs no turn of the loop of its own: it is counted with the next ones.
    if (this.#begun > FEW) this.#plan();
    return undefined;
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      const next = this.#waiting.splice(0, AT_ONCE);
      this.#begun = next.length;
      if (next.length > 0) this.#plan();
      for (const begin of next) begin();
    });
  }
}
