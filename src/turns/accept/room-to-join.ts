/** A request for a stream that joins a turn opens a stream, and reserves nothing. */
import { userIdOf } from '../../core/principal.ts';
import type { Database } from '../../store/database.ts';
import { StreamLimitsDatabase } from '../../store/limits/stream-limits.ts';
import type { TurnClaim } from '../../store/turns/claim.ts';
import { requireRoomForStream } from '../limit-streams.ts';
import type { TurnRequest } from '../turn-service.ts';

/**
 * Makes sure that a request which joins a turn may open one more stream, where it asks for one.
 * @throws ParleyError `rate_limited`
 */
export async function requireRoomToJoin(
  db: Database,
  { reservation }: TurnClaim,
  { principal, openStreams }: TurnRequest,
): Promise<void> {
  const userId = userIdOf(principal);
  if (!openStreams || !reservation || userId === undefined) return;
  const { defaults, leaseMs, keyId } = reservation;
  const asking = new StreamLimitsDatabase(db, { defaults, leaseMs, keyId, userId });
  requireRoomForStream(await asking.limits(), openStreams);
}
