/** A claim stores nothing for a credential that does not hold, whatever it would store. */
import { describe, expect, it } from 'vitest';
import { newId } from '../../../../src/core/ids.ts';
import { NO_LIMITS } from '../../../../src/core/limits.ts';
import type { IdentifiedUser } from '../../../../src/core/principal.ts';
import { createCredential } from '../../../../src/store/credentials/credentials.ts';
import type { Database } from '../../../../src/store/database.ts';
import { WAYS, type ReserveAsk, type Way } from '../../../../src/store/limits/wanted.ts';
import type { TurnClaim } from '../../../../src/store/turns/claim.ts';
import { claimTurn } from '../../../../src/store/turns/claim-turn.ts';
import { newClaim } from '../turns/new-claim.ts';
import { migratedDatabase } from '../migrated-database.ts';

const db = migratedDatabase();

/** A caller with a key of its own. @param expiresAt in milliseconds since the epoch */
async function newHolder(expiresAt: number | null): Promise<IdentifiedUser> {
  const proof = { kind: 'key', id: newId(), hash: 'h' } as const;
  const row = { ...proof, userId: 'ann', name: null, scopes: [], parentId: null };
  await createCredential(db, { ...row, expiresAt });
  return { kind: 'user', userId: 'ann', establishedBy: 'key', scopes: [], proof, keyId: proof.id };
}

/** The rows of all tables that a claim writes to. */
async function stored(): Promise<unknown> {
  const tables = ['conversations', 'turns', 'messages', 'idempotency_keys', 'usage_requests'];
  const sql = `SELECT ${tables.map((name) => `(SELECT count(*) FROM ${name})`).join(', ')}`;
  return (await db.batch([{ sql, args: [] }], 'read'))[0]?.values[0];
}

const claim = async (asked: TurnClaim) =>
  (await claimTurn(db, asked, { leaseMs: 15_000, windowMessages: 20 })).kind;

/** Returns what a claim reserves by a way. */
function reservation(turnId: string, firstWay: Way): ReserveAsk {
  return {
    ...{ defaults: NO_LIMITS, leaseMs: 15_000, keyId: 'k', streams: undefined, turnId, firstWay },
    ...{ prompt: 3, from: null, atHead: true, most: null, least: 1, model: 'offline' },
    ...{ models: '{}', allowance: [9, 9, null, null] },
  };
}

function end({ turnId }: TurnClaim): Promise<unknown> {
  const sql = `UPDATE turns SET state = 'ended' WHERE id = ?`;
  return db.batch([{ sql, args: [turnId] }], 'write');
}

describe.each([undefined, ...WAYS])('a claim by the way %s', (way) => {
  function asked(principal: IdentifiedUser, more: Partial<TurnClaim>): TurnClaim {
    const made = newClaim();
    const idempotency = { scope: 's', key: newId(), fingerprint: 'f' };
    const reserving = way && { reservation: reservation(made.turnId, way) };
    return { ...made, idempotency, principal, ...reserving, ...more };
  }

  it('stores nothing unless the credential holds', async () => {
    const [holding, expired] = [await newHolder(null), await newHolder(Date.now() - 1)];
    const forged = { ...holding, proof: { ...holding.proof!, hash: 'another' } };
    const first = asked(holding, {});
    expect(await claim(first)).toBe('accepted');
    await end(first);
    const { conversationId } = first;
    const before = await stored();
    for (const principal of [expired, forged]) {
      const { create: _, ...next } = asked(principal, { conversationId });
      expect(await claim(next)).toBe('unauthenticated');
      expect(await claim(asked(principal, {}))).toBe('unauthenticated');
    }
    expect(await stored()).toEqual(before);
    const { create: _, ...next } = asked(holding, { conversationId });
    expect(await claim(next)).toBe('accepted');
  });
});

it('stores no conversation without its turn, though the key expires meanwhile', async () => {
  const principal = await newHolder(null);
  const expire = { sql: 'UPDATE credentials SET expires_at = 1', args: [] };
  const passing: Database = {
    ...{ writes: 0, flush: () => db.flush(), close: () => db.close() },
    batch: async (statements, mode, retryForMs) => {
      const at = 1 + statements.findIndex(({ sql }) => sql.startsWith('INSERT INTO conversations'));
      const all = statements.toSpliced(at, 0, expire);
      return (await db.batch(all, mode, retryForMs)).toSpliced(at, 1);
    },
  };
  const limits = { leaseMs: 15_000, windowMessages: 20 };
  expect((await claimTurn(passing, { ...newClaim(), principal }, limits)).kind).toBe('accepted');
});
