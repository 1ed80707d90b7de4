/** Lets callers with a ticket read the turn that it was first used for, and nothing else. */
import { unauthenticated } from '../../core/errors.ts';
import { proofOf } from '../../core/principal.ts';
import { useTicket } from '../../store/credentials/tickets.ts';
import type { AppContext } from './dependencies.ts';

/**
 * Checks that a caller with a ticket may read a turn, and binds a new ticket to it. Other callers
 * are not concerned.
 * @throws ParleyError `unauthenticated`
 */
export async function requireTicketFor(c: AppContext, turnId: string): Promise<void> {
  const proof = proofOf(c.get('principal'));
  if (proof?.kind !== 'ticket') return;
  const { db } = c.get('dependencies');
  if (!(await useTicket(db, proof, turnId))) throw unauthenticated();
}
