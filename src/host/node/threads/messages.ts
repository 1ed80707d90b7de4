/** The messages between the process and its threads. */
import { inspect } from 'node:util';
import { failureOf, ParleyError, type Failure } from '../../../core/errors.ts';

/** Of the process. `stop` lets the thread end by itself; nothing new follows it. */
export type Order<Task> = { id: number; task: Task } | { cancel: number } | { stop: true };

/** Of the thread; each task has one `result` or `error`, after any number of events. */
export type Reply =
  | { id: number; event: unknown }
  | { id: number; result: unknown }
  | { id: number; error: SentError };

/** An error on its way: a failure keeps what clients may see, and the cause for the log. */
export interface SentError {
  failure?: Failure | undefined;
  cause: unknown;
}

export function sentError(error: unknown): SentError {
  if (error instanceof ParleyError) return { failure: failureOf(error), cause: plain(error.cause) };
  return { cause: plain(error) };
}

export function receivedError({ failure, cause }: SentError): unknown {
  return failure ? new ParleyError(failure, cause === undefined ? undefined : { cause }) : cause;
}

/** An error of a library may hold what cannot be copied. */
function plain(error: unknown): unknown {
  if (!(error instanceof Error)) return error === undefined ? undefined : inspect(error);
  const copy = new Error(error.message);
  return Object.assign(copy, { name: error.name, stack: error.stack });
}
