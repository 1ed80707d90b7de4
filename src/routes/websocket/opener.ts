/** Establishes who opens a socket. */
import { unauthenticated } from '../../core/errors.ts';
import { proofOf, type Principal } from '../../core/principal.ts';
import { openSocket } from '../../store/credentials/tickets.ts';
import type { AppContext } from '../shared/dependencies.ts';
import { requireSoundHandshake } from './handshake.ts';

/**
 * Returns whom the socket is for. A ticket opens one socket, on which what it was got for counts:
 * where that is revoked, the socket starts nothing more.
 * @throws ParleyError `unauthenticated`, and `invalid_request` for a handshake that would fail: it
 *   spends no ticket
 */
export async function openerOf(c: AppContext): Promise<Principal> {
  const { db } = c.get('dependencies');
  const principal = c.get('principal');
  const proof = proofOf(principal);
  if (principal.kind !== 'user' || proof?.kind !== 'ticket') return principal;
  requireSoundHandshake(c);
  const parent = await openSocket(db, proof);
  if (parent === undefined) throw unauthenticated();
  return { ...principal, proof: parent ?? undefined };
}
