/** Makes what was written to a file safe from a power cut, off the event loop. */
import { closeSync, fdatasync, openSync } from 'node:fs';

/**
 * Flushes one file: one flush at a time, and all who ask while it runs share the next, since the running one may have missed what they wrote. Under load one flush so
 * serves hundreds of writers, who would each have blocked everybody for a millisecond or more.
 */
export class FileFlush {
  readonly #path: string;
  #file: number | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves when all that had been written to the file before the call is on the disk. */
  flush(): Promise<void> {
    if (!this.#running) return this.#begin();
    const begin = () => {
      this.#next = undefined;
      return this.#begin();
    };
    return (this.#next ??= this.#running.then(begin, begin));
  }

  /** To be called when nobody writes any more. */
  close(): void {
    const file = this.#file;
    this.#file = undefined;
    if (file === undefined) return;
    const release = () => closeSync(file);
    if (this.#running) void this.#running.then(release, release);
    else release();
  }

  #begin(): Promise<void> {
    const running = new Promise<void>((resolve, reject) => {
      // The database makes the file with its first transaction.
      this.#file ??= openSync(this.#path, 'r+');
      fdatasync(this.#file, (error) => {
        if (this.#running === running) this.#running = undefined;
        if (error) reject(error);
        else resolve();
      });
    });
    this.#running = running;
    return running;
  }
}
