/** Preparing documents on Node: what takes long does so in a thread of its own, so that the answers that stream meanwhile do not stand still. */
import { Worker } from 'node:worker_threads';
import { failureOf, ParleyError, type Failure } from '../../core/errors.ts';
import { tooLarge, unreadable } from '../../documents/refusals.ts';
import { prepare, type Prepare, type Prepared } from '../../documents/prepare.ts';
import type { Kind } from '../../documents/detect-type.ts';
import { kindOf, type Sent } from '../../documents/extract.ts';
import { libraries } from './libraries.ts';

/** Bytes or UTF-16 units of text that are prepared at once: some milliseconds. */
const SMALL = 50_000;
/** Kinds that take no longer than their length says. */
const LIGHT: ReadonlySet<Kind> = new Set(['text', 'html']);
/** A document that takes longer than that is none that anybody meant. */
const TIME_LIMIT_MS = 30_000;
/** What the process may grow by while a document is read, in bytes: a kilobyte of PDF can unpack to gigabytes. The thread's own limit knows nothing of buffers. */
const GROWTH_LIMIT = 512 * 1024 * 1024;
const LOOK_EVERY_MS = 50;
/** Documents that are read at once; more wait. */
const THREADS = 2;

/** What the thread answers. */
export type Answer = { prepared: Prepared } | { failure: Failure };

export const prepareOnNode: Prepare = async (sent) => {
  if (sent.content.length <= SMALL && LIGHT.has(kindOf(sent))) return prepare(sent, libraries);
  const answer = await threads.pass(() => inThread(sent));
  if ('prepared' in answer) return answer.prepared;
  throw new ParleyError(answer.failure);
};

function inThread(sent: Sent): Promise<Answer> {
  const before = process.memoryUsage.rss();
  const thread = new Worker(new URL('prepare-thread.ts', import.meta.url), {
    workerData: sent,
    // The library warns of what it does not find there.
    stdout: true,
    stderr: true,
  });
  return new Promise((resolve) => {
    const give = (answer: Answer) => {
      // Ending a thread is heard as its exit.
      thread.removeAllListeners();
      clearTimeout(timer);
      clearInterval(watch);
      // The next one may begin when this one has given back what it took.
      void thread.terminate().then(() => resolve(answer));
    };
    const refuse = (detail: string) => give({ failure: failureOf(unreadable(detail)) });
    const timer = setTimeout(() => refuse('The document takes too long to read'), TIME_LIMIT_MS);
    const watch = setInterval(() => {
      if (process.memoryUsage.rss() - before > GROWTH_LIMIT)
        give({ failure: failureOf(tooLarge('The document unpacks to more than can be read')) });
    }, LOOK_EVERY_MS);
    thread.once('message', give);
    thread.once('error', () => refuse('The document cannot be read'));
    thread.once('exit', () => refuse('The document cannot be read'));
  });
}

/** Runs so many at once, the others one after the other. */
class Turnstile {
  #free = THREADS;
  readonly #waiting: (() => void)[] = [];

  async pass<T>(run: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await run();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

const threads = new Turnstile();
