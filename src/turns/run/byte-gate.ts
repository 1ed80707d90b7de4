/**
 * Limits the bytes of files that are sent to models at once. A call holds its files in memory
 * several times until its answer is over: as bytes, as base64, and in the body of the request.
 */
import { noRoom } from '../../core/errors.ts';
import { sleep } from '../../core/retry.ts';

/** The most that is let in together, in bytes of files; one call is always let in. */
const MOST_AT_ONCE = 48 * 1024 * 1024;
/**
 * Calls look by themselves whether there is room, since on Workers none may wait for the promise
 * of another.
 */
const LOOK_EVERY_MS = 50;

let inside = 0;

/**
 * Runs a task when there is room for its bytes.
 * @param mayWait false when waiting is of no use any more
 * @throws ParleyError `queue_full` when there was no room in time
 */
export async function withRoomFor<T>(
  bytes: number,
  mayWait: () => boolean,
  task: () => Promise<T>,
): Promise<T> {
  while (inside > 0 && inside + bytes > MOST_AT_ONCE) {
    if (!mayWait()) throw noRoom('Too many attachments are being sent to models');
    await sleep(LOOK_EVERY_MS);
  }
  inside += bytes;
  try {
    return await task();
  } finally {
    inside -= bytes;
  }
}
