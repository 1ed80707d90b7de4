/** Counts the streams of turns that a caller may open, where users have limits. */
import type { ActionDependencies } from '../../actions/context.ts';
import { keyIdOf, tenantOf, userIdOf, type Principal } from '../../core/principal.ts';
import type { Database } from '../../store/database.ts';
import { StreamLimitsDatabase } from '../../store/limits/stream-limits.ts';
import { LimitedStreams } from '../../turns/limit-streams.ts';
import type { TurnService } from '../../turns/turn-service.ts';

/** The turns of a caller, and the database whose first batch reads how many may be open. */
interface Counted {
  turns: TurnService;
  db: Database;
}

/** Returns turns whose streams are counted for a caller; undefined where nobody has limits. */
export function countedStreams(
  dependencies: ActionDependencies,
  principal: Principal,
): Counted | undefined {
  const { db, turns, config, limits: defaults } = dependencies;
  const userId = userIdOf(principal);
  if (!defaults || userId === undefined) return undefined;
  const reader = { tenant: tenantOf(principal), userId, keyId: keyIdOf(principal) ?? null };
  const ask = { ...reader, defaults, leaseMs: config.TURN_LEASE_MS };
  const asking = new StreamLimitsDatabase(db, ask);
  const limits = () => asking.limits();
  const defer = (work: Promise<unknown>) => dependencies.defer(work);
  return { turns: new LimitedStreams(turns, { reader, limits, defer }), db: asking };
}
