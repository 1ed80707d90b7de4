/** When V8 compiles what runs often. */
import { setFlagsFromString } from 'node:v8';

/** The releases of V8 that know these flags by these names; another would complain. */
const KNOWN_TO = /^13\./;

/**
 * A turn calls most functions once. V8 waits for 400 calls, and for 500 since a function last met a new shape, before it optimises: a thousand turns, in which each costs half as much again. And it
 * compiles anew, by the compiler that takes longest, what was called 3,000 times, for a gain that a server seldom lives to see.
 */
const FLAGS = [
  '--invocation-count-for-maglev=50',
  '--minimum-invocations-after-ic-update=50',
  '--invocation-count-for-turbofan=30000',
];

/** Sets the thresholds of this process. To be called before the work begins. */
export function setV8Flags(): void {
  if (!KNOWN_TO.test(process.versions.v8)) return;
  for (const flag of FLAGS) setFlagsFromString(flag);
}
