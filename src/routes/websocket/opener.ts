/** Establishes who opens a socket. */
import { ParleyError, unauthenticated } from '../../core/errors.ts';
import { proofOf, type Principal } from '../../core/principal.ts';
import { openSocket } from '../../store/credentials/tickets.ts';
import type { AppContext } from '../shared/dependencies.ts';

/** Checks that the client wants a socket. @throws ParleyError `invalid_request` */
export function requireUpgrade(c: AppContext): void {
  if (c.req.header('upgrade')?.toLowerCase() === 'websocket') return;
  throw new ParleyError({ code: 'invalid_request', detail: 'This address speaks WebSocket' });
}

/**
 * Returns whom the socket is for. A ticket opens one socket, on which what it was got for counts:
 * where that is revoked, the socket starts nothing more.
 * @throws ParleyError `unauthenticated`
 */
export async function openerOf(c: AppContext): Promise<Principal> {
  const { db } = c.get('dependencies');
  const principal = c.get('principal');
  const proof = proofOf(principal);
  if (principal.kind !== 'user' || proof?.kind !== 'ticket') return principal;
  const parent = await openSocket(db, proof);
  if (parent === undefined) throw unauthenticated();
  return { ...principal, proof: parent ?? undefined };
}
