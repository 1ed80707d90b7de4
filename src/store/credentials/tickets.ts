/**
 * Tickets: what the first use of one binds it to, and what it may read after that. A browser's
 * `EventSource` repeats the same address when it reconnects, so a ticket that is spent may still
 * read the turn that it opened, until a minute after that turn's end. A use that was refused binds
 * a ticket to nothing.
 */
import { and, eq, exists, gt, isNotNull, isNull, notExists, or, sql, type SQL } from 'drizzle-orm';
import { unauthenticated } from '../../core/errors.ts';
import type { CredentialProof, Principal } from '../../core/principal.ts';
import { proofOf } from '../../core/principal.ts';
import type { Database, Statement } from '../database.ts';
import { batch, now, prepare, query, statement, type Given } from '../query.ts';
import { credentialRefusals, credentials, turns } from '../schema.ts';
import { isGenuine, refuseUnlessHeld } from './confirm.ts';

/** Milliseconds after the end of a turn during which its ticket still reads it. */
const READS_ON_FOR_MS = 60_000;

/** The binding of a ticket that has opened a socket: it opens nothing else. */
export const SOCKET = 'socket';

const isUnused = isNull(credentials.boundTo);
const isInTime = gt(credentials.expiresAt, now);
const isFresh = and(isUnused, isInTime);

type ClaimFields = Given<keyof CredentialProof | 'turnId' | 'isRepeat'>;

const insertRefusal = prepare((given: ClaimFields) => {
  const isFreshOrWaits = and(isUnused, or(isInTime, sql`${given.isRepeat}`));
  const mayOpen = or(isFreshOrWaits, eq(credentials.boundTo, given.turnId));
  const opens = query.select({ id: credentials.id }).from(credentials);
  const held = opens.where(and(isGenuine(given), mayOpen));
  return query.insert(credentialRefusals).select(sql`select 1 where ${notExists(held)}`);
});

interface ClaimByTicket {
  principal: Principal;
  turnId: string;
  /** True where the claim was made before, and had to wait: the ticket was in time then. */
  isRepeat?: boolean;
}

/**
 * Confirms the caller in the batch that claims a turn: it ends the batch unless the credential
 * holds. A ticket does that has opened nothing so far, or this turn.
 */
export function confirmClaim({ principal, turnId, isRepeat = false }: ClaimByTicket): Statement[] {
  const proof = proofOf(principal);
  if (!proof) return [];
  if (proof.kind !== 'ticket') return [refuseUnlessHeld(proof)];
  return [insertRefusal({ ...proof, turnId, isRepeat: isRepeat ? 1 : 0 })];
}

/**
 * Binds the ticket of a claim that {@link confirmClaim} has let through, in the same batch.
 * @param opened a query for the turn that the claim has made; where it finds none, the ticket stays
 *   as it was
 */
export function bindClaim({ principal }: ClaimByTicket, opened: Statement): Statement[] {
  const proof = proofOf(principal);
  if (proof?.kind !== 'ticket') return [];
  const sql = `UPDATE credentials SET bound_to = coalesce((${opened.sql}), bound_to) WHERE id = ?`;
  return [{ sql, args: [...opened.args, proof.id] }];
}

/** Takes back what {@link bindClaim} bound, unless the turn has stayed. */
export function releaseBinding({ principal, turnId }: ClaimByTicket): Statement[] {
  const proof = proofOf(principal);
  if (proof?.kind !== 'ticket') return [];
  const turn = query.select({ id: turns.id }).from(turns).where(eq(turns.id, turnId));
  const isBound = and(isGenuine(proof), eq(credentials.boundTo, turnId), notExists(turn));
  return [statement(query.update(credentials).set({ boundTo: null }).where(isBound))];
}

/**
 * Binds a caller's ticket to the turn that its claim has joined; others need no binding.
 * @param from the turn to which the claim has bound it, if it has
 * @returns false when it has been used for another turn meanwhile
 */
export async function bindTicket(
  db: Database,
  principal: Principal,
  { turnId, from = turnId }: { turnId: string; from?: string | undefined },
): Promise<boolean> {
  const proof = proofOf(principal);
  if (proof?.kind !== 'ticket') return true;
  const mayBind = or(isUnused, eq(credentials.boundTo, turnId), eq(credentials.boundTo, from));
  return change(db, and(isGenuine(proof), mayBind), turnId);
}

/**
 * Uses a ticket to read a turn: a new one is bound to it, one that is bound must be bound to it.
 * @returns false when the ticket may not
 */
export async function useTicket(
  db: Database,
  proof: CredentialProof,
  turnId: string,
): Promise<boolean> {
  const isReadable = or(
    eq(turns.state, 'running'),
    gt(turns.endedAt, sql`${now} - ${READS_ON_FOR_MS}`),
  );
  const turn = query
    .select({ id: turns.id })
    .from(turns)
    .where(and(eq(turns.id, turnId), isReadable));
  const isBound = eq(credentials.boundTo, turnId);
  const mayRead = or(and(or(isUnused, isBound), isInTime), and(isBound, exists(turn)));
  return change(db, and(isGenuine(proof), mayRead), turnId);
}

/**
 * Uses a ticket to open a socket, which it can do once.
 * @returns what the database confirms of the credential that the ticket was got for, null where
 *   that was a token; undefined when the ticket may not be used
 */
export async function openSocket(
  db: Database,
  proof: CredentialProof,
): Promise<CredentialProof | null | undefined> {
  const parent = query
    .select({ parentId: credentials.parentId })
    .from(credentials)
    .where(eq(credentials.id, proof.id));
  const { id, kind, hash } = credentials;
  // In one batch: a ticket that was bound is not lost because its parent could not be read.
  const [bound, [found]] = await batch(
    db,
    [
      binding(and(isGenuine(proof), isFresh), SOCKET),
      query
        .select({ id, kind, hash })
        .from(credentials)
        .where(sql`${id} = ${parent}`),
    ],
    'write',
  );
  return bound.rowsAffected === 1 ? (found ?? null) : undefined;
}

/** Asks whether a ticket is one that we gave out, and was used or may be used still. */
export async function isTicketKnown(db: Database, proof: CredentialProof): Promise<boolean> {
  const isUsable = or(isFresh, isNotNull(credentials.boundTo));
  const known = query.select({ id: credentials.id }).from(credentials);
  const [[found]] = await batch(db, [known.where(and(isGenuine(proof), isUsable))], 'read');
  return found !== undefined;
}

/**
 * Confirms a credential now, where no batch of the request has done that before.
 * @param db a caller's, whose first batch confirms a key or a session
 * @throws ParleyError `unauthenticated`
 */
export async function confirmNow(db: Database, proof: CredentialProof): Promise<void> {
  if (proof.kind !== 'ticket') await db.batch([], 'read');
  else if (!(await isTicketKnown(db, proof))) throw unauthenticated();
}

/** Finds the turn that a ticket is bound to. */
export async function boundTurn(
  db: Database,
  proof: CredentialProof,
): Promise<{ turnId: string; conversationId: string } | undefined> {
  const [[found]] = await batch(
    db,
    [
      query
        .select({ turnId: turns.id, conversationId: turns.conversationId })
        .from(credentials)
        .innerJoin(turns, eq(turns.id, credentials.boundTo))
        .where(isGenuine(proof)),
    ],
    'read',
  );
  return found;
}

async function change(db: Database, which: SQL | undefined, boundTo: string): Promise<boolean> {
  const [result] = await batch(db, [binding(which, boundTo)], 'write');
  return result.rowsAffected === 1;
}

function binding(which: SQL | undefined, boundTo: string) {
  return query.update(credentials).set({ boundTo }).where(which);
}
