/** Waits for the first try of a request that its client repeats. */
import { sleep } from '../core/retry.ts';

/**
 * Milliseconds between two looks. A client that was cut off before it heard of an acceptance may
 * repeat its request before the first try is accepted, which not every host gives up by then.
 */
const PAUSES_MS = [0, 100, 200, 300];

/**
 * Looks for what a first try has made until it is there.
 * @returns undefined when nothing comes: the first try was refused, or never arrived
 */
export async function madeByFirstTry<Made>(
  look: () => Promise<Made | undefined>,
): Promise<Made | undefined> {
  for (const pause of PAUSES_MS) {
    if (pause > 0) await sleep(pause);
    const made = await look();
    if (made !== undefined) return made;
  }
  return undefined;
}
