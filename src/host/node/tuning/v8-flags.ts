/** Sets the thresholds at which V8 compiles functions. */
import { setFlagsFromString } from 'node:v8';

/** Matches the releases of V8 that know these flags; others would complain. */
const KNOWN_TO = /^13\./;

/**
 * A turn calls most functions once. V8 waits for 400 calls before it optimises a function, and for
 * 500 after the function last met a new shape. That is a thousand turns, each of which costs half
 * as much again. It also compiles a function once more, with its slowest compiler, after 3,000
 * calls, for a gain that a server rarely lives to see.
 */
const FLAGS = [
  '--invocation-count-for-maglev=50',
  '--minimum-invocations-after-ic-update=50',
  '--invocation-count-for-turbofan=30000',
];

/** Sets the thresholds of this process; call it before the work begins. */
export function setV8Flags(): void {
  if (!KNOWN_TO.test(process.versions.v8)) return;
  for (const flag of FLAGS) setFlagsFromString(flag);
}
