/**
 * Remembers the tokens that were verified lately: a signature takes as long as a tenth of a short
 * turn. A token is remembered for as long as it holds and the keys stay the same.
 */
import { LatestMap } from '../core/latest-map.ts';
import type { IdentifiedUser } from '../core/principal.ts';

const MOST = 1_000;
/** The longest token that is remembered, in characters. */
const LONGEST = 4_096;

interface Verified {
  user: IdentifiedUser;
  keys: object;
}

export class VerifiedTokens {
  readonly #verified = new LatestMap<Verified>(MOST);

  /**
   * Returns the user of a token; undefined where it has to be verified.
   * @param keys another object whenever the keys have changed; undefined while they are not known
   * @param now in milliseconds since the epoch
   */
  find(token: string, { keys, now }: { keys: object | undefined; now: number }) {
    const known = this.#verified.get(token);
    if (!known || known.keys !== keys) return undefined;
    return (known.user.expiresAt ?? 0) > now ? known.user : undefined;
  }

  /** Remembers a token. @param keys those by which it was verified */
  add(token: string, verified: Verified): void {
    if (token.length <= LONGEST) this.#verified.set(token, verified);
  }
}
