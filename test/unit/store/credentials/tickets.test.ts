/** To which turn a ticket is bound, between the batches of requests that use it at once. */
import { expect, it } from 'vitest';
import { newId } from '../../../../src/core/ids.ts';
import type { IdentifiedUser } from '../../../../src/core/principal.ts';
import { createCredential } from '../../../../src/store/credentials/credentials.ts';
import { bindTicket } from '../../../../src/store/credentials/tickets.ts';
import type { TurnClaim } from '../../../../src/store/turns/claim.ts';
import { claimTurn } from '../../../../src/store/turns/claim-turn.ts';
import { releaseClaim } from '../../../../src/store/turns/release-claim.ts';
import { claimInput, withSteering } from '../../../../src/turns/accept/claim-input.ts';
import type { TurnRequest } from '../../../../src/turns/turn-service.ts';
import { newClaim } from '../turns/new-claim.ts';
import { migratedDatabase } from '../migrated-database.ts';

const db = migratedDatabase();

type Holder = IdentifiedUser & Required<Pick<IdentifiedUser, 'proof'>>;

/** A caller with a ticket of its own. */
async function newHolder(): Promise<Holder> {
  const id = newId();
  const proof = { kind: 'ticket', id, hash: 'h' } as const;
  const row = { ...proof, userId: 'ann', name: null, scopes: [], parentId: null };
  await createCredential(db, { ...row, expiresAt: Date.now() + 60_000 });
  return { kind: 'user', userId: 'ann', establishedBy: 'ticket', scopes: [], proof };
}

async function boundTo({ proof }: Holder): Promise<unknown> {
  const statement = { sql: 'SELECT bound_to FROM credentials WHERE id = ?', args: [proof.id] };
  return (await db.batch([statement], 'read'))[0]?.rows[0]?.['bound_to'];
}

const claim = async (asked: TurnClaim) =>
  (await claimTurn(db, asked, { leaseMs: 15_000, windowMessages: 20 })).kind;

/** A claim for another turn in the same conversation. */
function after({ conversationId }: TurnClaim, principal: Holder): TurnClaim {
  const { create: _, ...asked } = newClaim();
  return { ...asked, conversationId, principal };
}

function end({ turnId }: TurnClaim): Promise<unknown> {
  const sql = `UPDATE turns SET state = 'ended' WHERE id = ?`;
  return db.batch([{ sql, args: [turnId] }], 'write');
}

it('is bound by the claim that makes a turn, and by no other', async () => {
  const holder = await newHolder();
  const running = newClaim();
  expect(await claim(running)).toBe('accepted');
  expect(await claim(after(running, holder))).toBe('busy');
  expect(await boundTo(holder)).toBeNull();
  await end(running);
  const made = after(running, holder);
  expect(await claim(made)).toBe('accepted');
  expect(await boundTo(holder)).toBe(made.turnId);
  await end(made);
  expect(await claim(after(running, holder))).toBe('unauthenticated');
});

it('is bound by the claim whose message steers a turn', async () => {
  const holder = await newHolder();
  const running = newClaim();
  await claim(running);
  const { conversationId } = running;
  const request: TurnRequest = {
    ...{ conversationId, principal: holder, model: null, parameters: undefined },
    ...{ input: { kind: 'message', parts: [{ type: 'text', text: 'And now?' }] } },
    ...{ onBusy: 'steer', joinSameText: true },
  };
  const asked = { ...after(running, holder), input: claimInput(request.input) };
  expect(await claim(withSteering(asked, request))).toBe('steers');
  expect(await boundTo(holder)).toBe(running.turnId);
});

it('joins no turn once it is bound to another, and follows a message to its answer', async () => {
  const holder = await newHolder();
  expect(await bindTicket(db, holder, { turnId: 'steered' })).toBe(true);
  expect(await bindTicket(db, holder, { turnId: 'other' })).toBe(false);
  expect(await bindTicket(db, holder, { turnId: 'answer', from: 'other' })).toBe(false);
  expect(await bindTicket(db, holder, { turnId: 'answer', from: 'steered' })).toBe(true);
  expect(await boundTo(holder)).toBe('answer');
});

it('is free again when its claim is released, and bound to a turn that stays', async () => {
  const holder = await newHolder();
  const released = { ...newClaim(), principal: holder };
  await claim(released);
  await releaseClaim(db, released, 0);
  expect(await boundTo(holder)).toBeNull();
  // It arrives once more, late.
  expect(await claim(released)).toBe('not_found');
  expect(await boundTo(holder)).toBeNull();
  const stays = { ...newClaim(), principal: holder };
  await claim(stays);
  await end(stays);
  const { principal } = newClaim();
  expect(await claim({ ...after(stays, holder), principal })).toBe('accepted');
  await releaseClaim(db, stays, 0);
  expect(await boundTo(holder)).toBe(stays.turnId);
});
