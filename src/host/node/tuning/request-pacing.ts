/** Shares one event loop between a burst of requests and the streams that are already open. */

/**
 * The most requests that begin in one turn of the event loop, which takes about ten milliseconds.
 */
const AT_ONCE = 8;
/**
 * The number of requests after which a turn of the event loop is planned, which starts a new count.
 */
const FEW = AT_ONCE / 2;
/** The weight of a request that only reads what is in memory. */
const LIGHT = 1 / 8;

/**
 * Starts requests in their order, a few in each turn of the event loop. The work of a turn up to
 * its model call runs in one go, so a thousand requests that arrive together would delay every open
 * stream, and each other's first tokens, until the last of them has begun.
 */
export class RequestPacing {
  #begun = 0;
  #isPlanned = false;
  #waiting: (() => void)[] = [];

  /** Returns a promise to wait for before beginning; undefined to begin now. */
  enter(): Promise<void> | undefined {
    // The last request to begin has planned the turn that lets these in.
    if (this.#begun >= AT_ONCE) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#begun++;
    // A single request needs no turn of its own; it is counted with the next ones.
    if (this.#begun > FEW) this.#plan();
    return undefined;
  }

  /** Counts a request that begins now and costs little; false when it has to wait. */
  enterLight(): boolean {
    if (this.#begun >= AT_ONCE) return false;
    this.#begun += LIGHT;
    if (this.#begun > FEW) this.#plan();
    return true;
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
