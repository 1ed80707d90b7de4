/** Joins the turn that answers a message which steers another. */
import { notFound } from '../../core/errors.ts';
import type { Database } from '../../store/database.ts';
import { turnThatAnswers, type WaitingMessage } from '../follow/await-steering.ts';
import type { Reading, TurnSources } from '../follow/turn-sources.ts';
import type { RunningTurns } from '../run/running-turns.ts';
import type { TurnRequest } from '../turn-service.ts';
import type { Claims } from './claims.ts';

interface JoinOptions<Read> {
  db: Database;
  claims: Claims;
  running: RunningTurns;
  sources: TurnSources;
  leaseMs: number;
  reading: Reading<Read>;
  /** Aborted when the client has disconnected. */
  signal: AbortSignal | undefined;
}

/**
 * Reads the turn that answers a message, as soon as it is known which one that is.
 * @throws ParleyError `not_found` when the message has been deleted
 */
export async function joinAnswer<Read>(
  message: WaitingMessage,
  { conversationId, principal }: TurnRequest,
  { db, claims, running, sources, leaseMs, reading, signal }: JoinOptions<Read>,
): Promise<Read> {
  const turnId = await turnThatAnswers(message, { db, running: running.byId, leaseMs, signal });
  if (turnId !== undefined) await claims.bindTicket(principal, turnId, message.turnId);
  const read = turnId && (await sources.join({ turnId, conversationId }, reading));
  if (!read) throw notFound('Message');
  return read;
}
