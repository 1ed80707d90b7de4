/**
 * Remembers which way served a caller's last claim, so that the next one takes one request to the
 * database. It is a hint: a way that does not suit the caller's limits inserts nothing, and the
 * next one is tried.
 */
import { LatestMap } from '../../core/latest-map.ts';
import { LIMITS_OF_TURNS, type Limits } from '../../core/limits.ts';
import { keyIdOf, userIdOf, type Principal } from '../../core/principal.ts';
import type { ReserveAsk, Way } from '../../store/limits/wanted.ts';
import type { ClaimResult, TurnClaim } from '../../store/turns/claim.ts';

/** The result of a claim, and the way that gave it. */
type Claimed = ClaimResult & { way?: Way | undefined };

/** The most callers that are remembered. */
const MOST_REMEMBERED = 10_000;

export class ClaimWays {
  #ways = new LatestMap<Way>(MOST_REMEMBERED);
  /** True where everybody has a limit that turns meet, but for exceptions. */
  readonly #isLimited: boolean;

  /** @param defaults the limits of users who have none of their own */
  constructor(defaults: Limits) {
    this.#isLimited = LIMITS_OF_TURNS.some((name) => defaults[name] !== null);
  }

  /** Forgets all when a day begins: the sums that are kept are those of the day before. */
  beginDay(): void {
    this.#ways = new LatestMap(MOST_REMEMBERED);
  }

  /** Returns the way to try first. */
  firstFor(principal: Principal): Way {
    return this.#ways.get(callerOf(principal)) ?? 'reserve';
  }

  remember({ principal, reservation }: TurnClaim, result: Claimed): void {
    const way = reservation && this.#wayAfter(reservation, result);
    if (way && way !== reservation.firstWay) this.#ways.set(callerOf(principal), way);
  }

  /** Returns undefined after a result that does not say. */
  #wayAfter({ most, allowance }: ReserveAsk, result: Claimed): Way | undefined {
    if (result.kind === 'limited') return 'reserve';
    if (result.kind !== 'accepted') return undefined;
    const { way, reserved } = result;
    if (way !== 'reserve') return way;
    const wanted = Math.min(most ?? allowance[0], allowance[1]);
    if (!reserved || reserved.hasKeyLimits) return way;
    if (reserved.budget.length === 0) return this.#isLimited ? 'grant' : 'unlimited';
    // A caller near a limit gets a part, and the first sums are made at the end of a turn.
    const isPart = (reserved.granted?.output ?? 0) < wanted;
    return isPart || !reserved.areSumsKept ? way : 'grant';
  }
}

function callerOf(principal: Principal): string {
  // A key's callers may be several users, whose own limits differ.
  const [keyId, userId = ''] = [keyIdOf(principal), userIdOf(principal)];
  return keyId === undefined ? userId : `${keyId} ${userId}`;
}
