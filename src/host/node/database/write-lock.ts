/**
 * A lock that the threads of a process take before they write to a database file. SQLite would let
 * the event loop wait for another thread's write by blocking it; here it waits without, and goes
 * before the other threads.
 */
import { isMainThread, threadId } from 'node:worker_threads';

/** The places of the shared numbers: who holds the lock, and how many of the process wait. */
const HOLDER = 0;
const WAITING = 1;
const NUMBERS = 2;
const FREE = 0;

/** The longest wait for one release, in milliseconds: a thread may die while it holds the lock. */
const LOOK_EVERY_MS = 50;

/** Makes the memory of a lock, which is handed to the threads when they start. */
export function newLockMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(NUMBERS * Int32Array.BYTES_PER_ELEMENT);
}

export class WriteLock {
  readonly #numbers: Int32Array<SharedArrayBuffer>;
  readonly #me = threadId + 1;

  constructor(memory: SharedArrayBuffer) {
    this.#numbers = new Int32Array(memory);
  }

  /** Takes the lock if it is free. A transaction that holds it must not await anything. */
  tryTake(): boolean {
    return Atomics.compareExchange(this.#numbers, HOLDER, FREE, this.#me) === FREE;
  }

  /** Takes the lock: the main thread lets its events go on meanwhile, another thread blocks. */
  take(): Promise<void> | undefined {
    if (isMainThread) return this.#takeFirst();
    for (let waiting = this.#waiting(); waiting > 0; waiting = this.#waiting())
      Atomics.wait(this.#numbers, WAITING, waiting, LOOK_EVERY_MS);
    while (!this.tryTake()) this.#waitHere();
    return undefined;
  }

  release(): void {
    Atomics.store(this.#numbers, HOLDER, FREE);
    Atomics.notify(this.#numbers, HOLDER);
  }

  /** Frees the lock of a thread that has died. */
  releaseOf(deadThreadId: number): void {
    const held = Atomics.compareExchange(this.#numbers, HOLDER, deadThreadId + 1, FREE);
    if (held === deadThreadId + 1) Atomics.notify(this.#numbers, HOLDER);
  }

  async #takeFirst(): Promise<void> {
    Atomics.add(this.#numbers, WAITING, 1);
    try {
      while (!this.tryTake()) {
        const holder = Atomics.load(this.#numbers, HOLDER);
        if (holder !== FREE)
          await Atomics.waitAsync(this.#numbers, HOLDER, holder, LOOK_EVERY_MS).value;
      }
    } finally {
      Atomics.sub(this.#numbers, WAITING, 1);
      Atomics.notify(this.#numbers, WAITING);
    }
  }

  /** Returns how many of the main thread wait, who go first. */
  #waiting(): number {
    return Atomics.load(this.#numbers, WAITING);
  }

  #waitHere(): void {
    const holder = Atomics.load(this.#numbers, HOLDER);
    if (holder !== FREE) Atomics.wait(this.#numbers, HOLDER, holder, LOOK_EVERY_MS);
  }
}
