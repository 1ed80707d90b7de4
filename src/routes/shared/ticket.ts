/** Lets callers with a ticket read the turn that it was first used for, and nothing else. */
import { failureOf, unauthenticated } from '../../core/errors.ts';
import { proofOf } from '../../core/principal.ts';
import { boundTurn, useTicket } from '../../store/credentials/tickets.ts';
import { readTurn } from '../../store/turns/read.ts';
import type { StreamOptions, TurnStream } from '../../turns/turn-service.ts';
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

interface Asked {
  conversationId: string;
  /** The question that is asked. */
  text: string;
  options: StreamOptions;
}

/**
 * Starts a turn. A browser that was cut off before it knew a cursor repeats its whole request: its
 * ticket is spent by then, and reads the turn that it has started.
 * @param start starts the turn, and fails with `unauthenticated` for a ticket that is spent
 */
export async function startOrReadAgain(
  c: AppContext,
  asked: Asked,
  start: () => Promise<TurnStream>,
): Promise<TurnStream> {
  try {
    return await start();
  } catch (error) {
    const isRefused = failureOf(error).code === 'unauthenticated';
    const again = isRefused ? await readAgain(c, asked) : undefined;
    if (!again) throw error;
    return again;
  }
}

async function readAgain(
  c: AppContext,
  { conversationId, text, options }: Asked,
): Promise<TurnStream | undefined> {
  const principal = c.get('principal');
  const proof = proofOf(principal);
  if (proof?.kind !== 'ticket') return undefined;
  const { db, turns, config } = c.get('dependencies');
  const bound = await boundTurn(db, proof);
  if (bound?.conversationId !== conversationId) return undefined;
  const { turnId } = bound;
  const turn = await readTurn(db, { turnId, principal, leaseMs: config.TURN_LEASE_MS });
  if (turn?.head.userMessage.text !== text) return undefined;
  await requireTicketFor(c, turnId);
  return turns.follow(bound, options);
}
