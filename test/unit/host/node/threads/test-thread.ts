// A thread for tests: it does as the task says.
import { setTimeout as sleep } from 'node:timers/promises';
import { ParleyError } from '../../../../../src/core/errors.ts';
import { serveTasks } from '../../../../../src/host/node/threads/serve.ts';

export interface TestTask {
  say?: string;
  /** Milliseconds before the answer. */
  after?: number;
  fail?: boolean;
  /** Ends the thread, on the first attempts alone: a file that is there says that it did. */
  die?: boolean;
  untilCancelled?: boolean;
}

serveTasks<TestTask>(async (task, { signal, tell }) => {
  tell(`begun ${task.say}`);
  if (task.die) process.exit(1);
  if (task.fail) throw new ParleyError({ code: 'not_found', detail: 'Nothing' }, { cause: 'why' });
  if (task.untilCancelled)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  await sleep(task.after ?? 0);
  return task.say;
});
