/** One thread and the tasks that wait for it. */
import type { Worker } from 'node:worker_threads';
import { noRoom, ParleyError, stopping } from '../../../core/errors.ts';
import { FairQueue } from './fair-queue.ts';
import { receivedError, type Order, type Reply } from './messages.ts';

export interface LaneOptions {
  /** Starts a thread; called when the first task comes, and again after a thread has died. */
  start(): Worker;
  /** The most tasks that are at work in the thread at once. */
  atOnce: number;
  /** The most tasks that wait, and that wait for one owner; further ones are refused. */
  mostWaiting: number;
  mostWaitingOfOne: number;
  /** The error of a task whose thread has died. */
  lost(): ParleyError;
  /** Is told of a thread that has died. */
  onDeath(cause: unknown): void;
}

export interface TaskOptions {
  /** The user whose tasks wait together. */
  owner: string;
  signal?: AbortSignal | undefined;
  onEvent?: ((event: unknown) => void) | undefined;
  /** True for a task that does no harm when it runs twice: it survives the death of its thread. */
  isRepeatable: boolean;
}

interface Job<Task> extends TaskOptions {
  id: number;
  task: Task;
  attempts: number;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** The most threads that one task may use up. */
const MOST_ATTEMPTS = 2;
/** Seconds after which a refused client may try again. */
const RETRY_AFTER = 1;

export class Lane<Task> {
  readonly #options: LaneOptions;
  readonly #waiting = new FairQueue<Job<Task>>();
  readonly #running = new Map<number, Job<Task>>();
  #thread: Worker | undefined;
  #lastId = 0;
  #isClosed = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /**
   * Runs a task in the thread.
   * @throws ParleyError `queue_full` when too many wait, `shutting_down`; the reason of the signal
   */
  async run(task: Task, options: TaskOptions): Promise<unknown> {
    const { owner, signal } = options;
    this.#refuseWhenFull(owner);
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const job = { ...options, id: ++this.#lastId, task, attempts: 0, resolve, reject };
    const onAbort = () => this.#abandon(job, signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#waiting.add(owner, job);
    this.#advance();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Refuses what waits, and lets the thread end by itself within the given milliseconds. */
  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    for (let job = this.#waiting.take(); job; job = this.#waiting.take()) job.reject(stopping());
    const thread = this.#thread;
    if (!thread) return;
    // Ending it from outside would end the whole process, should it be inside the database library.
    const ended = new Promise((resolve) => thread.once('exit', resolve));
    this.#tell(thread, { stop: true });
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, withinMs).unref())]);
  }

  #refuseWhenFull(owner: string): void {
    if (this.#isClosed) throw stopping();
    const { mostWaiting, mostWaitingOfOne } = this.#options;
    const isFull = this.#waiting.size >= mostWaiting;
    if (!isFull && this.#waiting.countOf(owner) < mostWaitingOfOne) return;
    if (isFull) throw noRoom('Too many searches or documents are waiting');
    const detail = 'Too many of this user’s searches or documents are waiting';
    throw new ParleyError({ code: 'queue_full', detail, retryAfter: RETRY_AFTER });
  }

  #advance(): void {
    while (this.#running.size < this.#options.atOnce) {
      const job = this.#waiting.take();
      if (!job) return;
      job.attempts++;
      this.#running.set(job.id, job);
      this.#tell((this.#thread ??= this.#start()), { id: job.id, task: job.task });
    }
  }

  #start(): Worker {
    const thread = this.#options.start();
    let cause: unknown;
    thread.on('message', (reply: Reply) => this.#hear(reply));
    thread.on('error', (error) => (cause = error));
    thread.once('exit', () => this.#replace(thread, cause));
    // The server keeps the process alive, not its threads.
    thread.unref();
    return thread;
  }

  #hear(reply: Reply): void {
    const job = this.#running.get(reply.id);
    if (!job) return;
    if ('event' in reply) {
      job.onEvent?.(reply.event);
      return;
    }
    this.#running.delete(reply.id);
    if ('error' in reply) job.reject(receivedError(reply.error));
    else job.resolve(reply.result);
    this.#advance();
  }

  /** Takes the tasks of a thread that has died to the next one, or gives them up. */
  #replace(thread: Worker, cause: unknown): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    const jobs = [...this.#running.values()];
    this.#running.clear();
    if (this.#isClosed) {
      for (const job of jobs) job.reject(stopping());
      return;
    }
    this.#options.onDeath(cause);
    for (const job of jobs) {
      const mayRepeat = job.isRepeatable && job.attempts < MOST_ATTEMPTS && !job.signal?.aborted;
      if (mayRepeat) this.#waiting.add(job.owner, job);
      else job.reject(this.#options.lost());
    }
    this.#advance();
  }

  #abandon(job: Job<Task>, reason: unknown): void {
    // A running task keeps its place until the thread has noticed.
    if (!this.#waiting.remove(job.owner, job) && this.#thread)
      this.#tell(this.#thread, { cancel: job.id });
    job.reject(reason);
  }

  #tell(thread: Worker, order: Order<Task>): void {
    thread.postMessage(order, []);
  }
}
