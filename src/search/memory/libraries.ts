/**
 * The libraries that a process or thread remembers: those that were searched last, up to a size.
 */
import type { Logger } from '../../core/logger.ts';
import type { Database } from '../../store/database.ts';
import { Library } from './library.ts';
import { loadLibrary } from './load-library.ts';

export interface LibrariesOptions {
  db: Database;
  log: Logger;
  /** The most that all libraries together may take, in bytes. */
  mostBytes: number;
  /** Lets other work go on. */
  pause: () => Promise<void>;
}

interface Entry {
  library: Library;
  /** The reading that is under way. */
  loading: Promise<void> | undefined;
  isLoaded: boolean;
  /** True when it takes more than all libraries may. */
  isTooLarge: boolean;
}

/**
 * A library is read anew when more of its chunks than this share are those of deleted documents.
 */
const MOST_DEAD = 0.5;

export class Libraries {
  readonly #options: LibrariesOptions;
  /** By user, the one that was used last at the end. */
  readonly #entries = new Map<string, Entry>();
  /** One is read at a time. */
  #reading: Promise<unknown> = Promise.resolve();

  constructor(options: LibrariesOptions) {
    this.#options = options;
  }

  /**
   * Returns a library if it is in memory. If not, reading begins, which may take a while.
   * @returns undefined while it is read, or when it is too large
   */
  get(userId: string): Library | undefined {
    const entry = this.#touch(userId);
    if (!entry.isLoaded && !entry.loading && !entry.isTooLarge) this.#load(userId, entry);
    return entry.isLoaded ? entry.library : undefined;
  }

  /** Reads what has changed in a library that is in memory. */
  async refresh(userId: string): Promise<void> {
    const entry = this.#touch(userId);
    // What is under way may have begun before the change.
    await entry.loading;
    if (isMostlyDead(entry.library)) {
      entry.library = new Library();
      entry.isLoaded = false;
    } else await this.#start(userId, entry, Promise.resolve());
  }

  /** Resolves when nothing is being read. */
  async settled(): Promise<void> {
    await this.#reading;
  }

  #touch(userId: string): Entry {
    const library = new Library();
    const fresh = { library, loading: undefined, isLoaded: false, isTooLarge: false };
    const entry: Entry = this.#entries.get(userId) ?? fresh;
    this.#entries.delete(userId);
    this.#entries.set(userId, entry);
    return entry;
  }

  /** Reads after the libraries that are being read, each of which may take seconds. */
  #load(userId: string, entry: Entry): void {
    this.#reading = this.#start(userId, entry, this.#reading);
  }

  #start(userId: string, entry: Entry, after: Promise<unknown>): Promise<void> {
    const run = async () => {
      try {
        await this.#read(userId, entry);
      } catch (error) {
        this.#options.log.error('a library could not be read into memory', { error });
        this.#forget(userId, entry);
      } finally {
        entry.loading = undefined;
      }
    };
    entry.loading = after.then(run);
    return entry.loading;
  }

  async #read(userId: string, entry: Entry): Promise<void> {
    const { db, pause, mostBytes } = this.#options;
    let countdown = LOOK_EVERY;
    const mayGoOn = (library: Library) => {
      if (--countdown > 0) return true;
      countdown = LOOK_EVERY;
      return library.bytes < mostBytes;
    };
    const isWhole = await loadLibrary(entry.library, { db, userId, pause, mayGoOn });
    entry.isLoaded = isWhole && entry.library.bytes < mostBytes;
    entry.isTooLarge = !entry.isLoaded;
    if (entry.isTooLarge) entry.library = new Library();
    this.#makeRoom();
  }

  /** Forgets those that were used longest ago. */
  #makeRoom(): void {
    let bytes = 0;
    for (const [userId, entry] of [...this.#entries].reverse()) {
      bytes += entry.isLoaded ? entry.library.bytes : 0;
      if (bytes > this.#options.mostBytes && !entry.loading) this.#entries.delete(userId);
    }
  }

  #forget(userId: string, entry: Entry): void {
    if (this.#entries.get(userId) === entry) this.#entries.delete(userId);
  }
}

/** Pages after which the size of a library is computed, which takes a while. */
const LOOK_EVERY = 20;

function isMostlyDead({ keptChunks, liveChunks }: Library): boolean {
  return keptChunks - liveChunks > keptChunks * MOST_DEAD;
}
