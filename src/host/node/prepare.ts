/**
 * Prepares documents on Node. Slow ones are prepared in a thread, so that running streams do not
 * stall.
 */
import { Worker } from 'node:worker_threads';
import { failureOf, ParleyError, type Failure } from '../../core/errors.ts';
import { tooLarge, unreadable } from '../../documents/refusals.ts';
import { prepare, type Prepare, type Prepared } from '../../documents/prepare.ts';
import type { Kind } from '../../documents/detect-type.ts';
import { kindOf, type Sent } from '../../documents/extract.ts';
import { libraries } from './libraries.ts';

/**
 * The largest document, in bytes or UTF-16 units, that is prepared at once, which takes some
 * milliseconds.
 */
const SMALL = 50_000;
/** The kinds whose time depends on their length only. */
const LIGHT: ReadonlySet<Kind> = new Set(['text', 'html']);
/** The time limit of a document, in milliseconds; no useful document takes longer. */
const TIME_LIMIT_MS = 30_000;
/**
 * The most bytes that the process may grow by while a document is read: a kilobyte of PDF can
 * unpack to gigabytes, and the thread's own limit does not count buffers.
 */
const GROWTH_LIMIT = 512 * 1024 * 1024;
const LOOK_EVERY_MS = 50;
/** The most documents that are read at once; others wait. */
const THREADS = 2;

/** The answer of the thread. */
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
    // The library prints warnings about features that a thread lacks.
    stdout: true,
    stderr: true,
  });
  return new Promise((resolve) => {
    const give = (answer: Answer) => {
      // Terminating a thread fires its `exit` event.
      thread.removeAllListeners();
      clearTimeout(timer);
      clearInterval(watch);
      // The next document may begin when this thread has returned its memory.
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

/** Runs a limited number of tasks at once, the others one after the other. */
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
