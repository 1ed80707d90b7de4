/** Flushes writes to a file, so that they survive a power cut, off the event loop. */
import { closeSync, fdatasync, openSync } from 'node:fs';
import { promisify } from 'node:util';

/** The time within which every write is flushed, in milliseconds, even when nobody waits for it. */
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
  /**
   * The time of the first write that no flush has covered yet; undefined when everything is
   * flushed.
   */
  #dirtySince: number | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #isPlanned = false;
  /** True when nobody writes any more; a later flush then opens the file for itself. */
  #isReleased = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Notes a write. It is flushed soon, with others, unless somebody asks for a flush before. */
  written(): void {
    this.#isReleased = false;
    this.#dirtySince ??= performance.now();
    if (!this.#isPlanned) this.#planIn(FLUSHED_WITHIN_MS);
  }

  /** Resolves when everything written before the call is on the disk. */
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
   * Closes the file, since another file may have its name when it is next opened. Writes that were
   * not flushed yet are still flushed.
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

  /**
   * Starts a timer that is never stopped. Most writes are flushed before it fires, and start none.
   */
  #planIn(milliseconds: number): void {
    this.#isPlanned = true;
    setTimeout(() => {
      this.#isPlanned = false;
      if (this.#dirtySince === undefined) return;
      const left = this.#dirtySince + FLUSHED_WITHIN_MS - performance.now();
      if (left > 1) this.#planIn(left);
      // A later caller gets the error, since the file is still dirty then.
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
      // `release` was called during the flush and has let go of the file already.
      if (this.#isReleased) this.release();
    }
  }
}

/**
 * Opens the log if it exists. The database deletes it once everything in it is stored elsewhere.
 */
function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
