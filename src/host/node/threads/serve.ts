/** The inside of a thread: does the tasks that the process sends, several at once. */
import { parentPort } from 'node:worker_threads';
import { sentError, type Order, type Reply } from './messages.ts';

export interface TaskContext {
  /** Aborted when nobody waits for the result any more. */
  signal: AbortSignal;
  /** Tells the process something before the result. */
  tell(event: unknown): void;
}

/**
 * Serves tasks until the process says to stop.
 * @param perform does one task; what it returns and throws is sent back
 */
export function serveTasks<Task>(
  perform: (task: Task, context: TaskContext) => Promise<unknown>,
): void {
  const running = new Map<number, AbortController>();
  const reply = (message: Reply) => parentPort?.postMessage(message, []);
  const start = async (id: number, task: Task) => {
    const controller = new AbortController();
    running.set(id, controller);
    const tell = (event: unknown) => reply({ id, event });
    try {
      reply({ id, result: await perform(task, { signal: controller.signal, tell }) });
    } catch (error) {
      reply({ id, error: sentError(error) });
    } finally {
      running.delete(id);
    }
  };
  parentPort?.on('message', (order: Order<Task>) => {
    if ('task' in order) void start(order.id, order.task);
    else if ('cancel' in order) running.get(order.cancel)?.abort();
    // Here no call of the database library is under way.
    else process.exit();
  });
}
