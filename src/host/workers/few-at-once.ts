/**
 * Lets a few requests of an isolate do at once what takes much of its memory. A request cannot wait
 * for another one's promise, and one whose client leaves may be ended anywhere: so each looks by
 * itself whether there is a place, and a place that was not given back is free after a while.
 */
import { noRoom } from '../../core/errors.ts';
import { sleep } from '../../core/retry.ts';

/** The places: a document of ten megabytes takes some times its size while it is read. */
const PLACES = 2;
/** The time after which a place counts as left, in milliseconds. */
const LEFT_AFTER_MS = 30_000;
const LOOK_EVERY_MS = 50;
/** The time for which a request waits for a place, in milliseconds. */
const WAIT_MS = 25_000;

const taken = new Map<object, number>();

/** Runs a task when there is a place. @throws ParleyError `queue_full` when none gets free */
export async function fewAtOnce<T>(task: () => Promise<T>): Promise<T> {
  const place = {};
  const deadline = Date.now() + WAIT_MS;
  while (!take(place)) {
    if (Date.now() > deadline) {
      throw noRoom('Too many documents are waiting');
    }
    await sleep(LOOK_EVERY_MS);
  }
  try {
    return await task();
  } finally {
    taken.delete(place);
  }
}

function take(place: object): boolean {
  for (const [other, at] of taken) if (Date.now() - at > LEFT_AFTER_MS) taken.delete(other);
  if (taken.size >= PLACES) return false;
  taken.set(place, Date.now());
  return true;
}
