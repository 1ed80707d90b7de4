/**
 * Finds what a request asks for again: a browser that was cut off before it knew a cursor repeats
 * its whole address, and its ticket is spent by then.
 */
import { contentOf, encodeParts, type Part } from '../../core/parts.ts';
import { proofOf, type Principal } from '../../core/principal.ts';
import { boundTurn, useTicket } from '../../store/credentials/tickets.ts';
import type { Database } from '../../store/database.ts';
import { readTurn } from '../../store/turns/read.ts';
import { readSteering } from '../../store/turns/steering.ts';
import type { WaitingMessage } from '../follow/await-steering.ts';
import type { TurnAddress, TurnRequest } from '../turn-service.ts';

/** A turn to join, or a message that steers one and waits for its answer. */
export type AskedAgain = { turn: TurnAddress } | { steers: WaitingMessage };

/**
 * Finds what a request's ticket has opened, which it may read again.
 * @returns undefined where there is nothing, or something else was asked
 */
export async function askedAgain(
  db: Database,
  { conversationId, principal, input, joinSameText }: TurnRequest,
  leaseMs: number,
): Promise<AskedAgain | undefined> {
  const proof = proofOf(principal);
  if (proof?.kind !== 'ticket' || !joinSameText || input.kind !== 'message') return undefined;
  const bound = await boundTurn(db, proof);
  if (bound?.conversationId !== conversationId) return undefined;
  const found = await findAsked(db, bound, { principal, leaseMs, parts: input.parts });
  return found && (await useTicket(db, proof, bound.turnId)) ? found : undefined;
}

/** Finds a message among what a turn answers: its question, and what came to steer it. */
async function findAsked(
  db: Database,
  turn: TurnAddress,
  { parts, ...read }: { principal: Principal; leaseMs: number; parts: readonly Part[] },
): Promise<AskedAgain | undefined> {
  const { turnId } = turn;
  const stored = await readTurn(db, { turnId, ...read });
  if (!stored) return undefined;
  if (stored.head.userMessage.text === contentOf(parts)) return { turn };
  const said = encodeParts(parts);
  const lines = await readSteering(db, turnId);
  const line = lines.find((each) => each.parts === said && !each.isReleased);
  return line && { steers: { turnId, messageId: line.id } };
}
