/**
 * Finds what a request asks for again: a browser that was cut off before it knew a cursor repeats
 * its whole address, and its ticket is spent by then.
 */
import { proofOf } from '../../core/principal.ts';
import { boundTurn, useTicket } from '../../store/credentials/tickets.ts';
import type { Database } from '../../store/database.ts';
import { readTurn } from '../../store/turns/read.ts';
import type { TurnAddress, TurnRequest } from '../turn-service.ts';
import { textOfInput } from './claim-input.ts';

/**
 * Finds the turn that a request's ticket has opened, which the ticket may read again.
 * @returns undefined where there is none, or it answers something else
 */
export async function askedAgain(
  db: Database,
  { conversationId, principal, input, joinSameText }: TurnRequest,
  leaseMs: number,
): Promise<TurnAddress | undefined> {
  const proof = proofOf(principal);
  if (proof?.kind !== 'ticket' || !joinSameText) return undefined;
  const bound = await boundTurn(db, proof);
  if (bound?.conversationId !== conversationId) return undefined;
  const turn = await readTurn(db, { turnId: bound.turnId, principal, leaseMs });
  if (turn?.head.userMessage.text !== textOfInput(input)) return undefined;
  return (await useTicket(db, proof, bound.turnId)) ? bound : undefined;
}
