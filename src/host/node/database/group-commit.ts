/** Makes what was written to a file safe from a power cut, off the event loop. */
import { closeSync, fdatasync, openSync } from 'node:fs';
import { promisify } from 'node:util';

/** Milliseconds within which what was written is flushed though nobody waits for it. */
const FLUSHED_WITHIN_MS = 20;

const flushData = promisify(fdatasync);

/**
 * Flushes one file, one flush at a time. All who ask while a flush runs share the next one, since
 * the running one may have missed what they wrote. Under load one flush serves hundreds of writers,
 * each of whom would have blocked everybody for a millisecond or more.
 */
export class GroupCommit {
  readonly #path: string;
  #file: number | undefined;
  /** When the first write came that no flush has covered yet; undefined when all is safe. */
  #dirtySince: number | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #isPlanned = false;
  /** Whether nobody writes any more: a flush that comes later opens the file for itself alone. */
  #isReleased = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Notes a write. It is flushed soon, with others, if nobody asks for a flush before. */
  written(): void {
    this.#isReleased = false;
    this.#dirtySince ??= performance.now();
    if (!this.#isPlanned) this.#planIn(FLUSHED_WITHIN_MS);
  }

  /** Resolves when all that had been written before the call is on the disk. */
  flush(): Promise<void> {
    if (this.#dirtySince === undefined) return this.#running ?? Promise.resolve();
    if (!this.#running) return this.#begin();
    const begin = () => {
      this.#next = undefined;
      return this.#begin();
    };
    return (this.#next ??= this.#running.then(begin, begin));
  }

  /**
   * Closes the file, since another may have its name when it is next opened. Writes that were not
   * flushed yet still are.
   */
  release(): void {
    this.#isReleased = true;
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    const close = () => closeSync(file);
    if (this.#running) void this.#running.then(close, close);
    else close();
  }

  /** Starts a timer that is never stopped: most writes are flushed before, and start none. */
  #planIn(milliseconds: number): void {
    this.#isPlanned = true;
    setTimeout(() => {
      this.#isPlanned = false;
      if (this.#dirtySince === undefined) return;
      const left = this.#dirtySince + FLUSHED_WITHIN_MS - performance.now();
      if (left > 1) this.#planIn(left);
      // Who asks later hears of a failure: the file is still dirty then.
      else void this.flush().catch(() => undefined);
    }, milliseconds).unref();
  }

  #begin(): Promise<void> {
    this.#dirtySince = undefined;
    const running = this.#sync().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #sync(): Promise<void> {
    try {
      this.#file ??= openIfThere(this.#path);
      if (this.#file !== undefined) await flushData(this.#file);
    } catch (error) {
      this.#dirtySince ??= performance.now();
      throw error;
    } finally {
      // After a release that came while it ran, the file has been let go of already.
      if (this.#isReleased) this.release();
    }
  }
}

/** Opens the log if it is there. The database removes it when all of it is safe elsewhere. */
function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
