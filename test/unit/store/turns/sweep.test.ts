import { ANYONE } from '../../../../src/core/principal.ts';
import { expect, it } from 'vitest';
import { NO_LIMITS } from '../../../../src/core/limits.ts';
import { readBudget } from '../../../../src/store/limits/budget.ts';
import { setKeyLimits } from '../../../../src/store/limits/own-limits.ts';
import type { ReserveAsk } from '../../../../src/store/limits/wanted.ts';
import { claimTurn } from '../../../../src/store/turns/claim-turn.ts';
import { readTurn } from '../../../../src/store/turns/read.ts';
import { sweep } from '../../../../src/store/turns/sweep.ts';
import { newClaim } from './new-claim.ts';
import { migratedDatabase } from '../migrated-database.ts';

const LEASE_MS = 1_000;
const db = migratedDatabase();

/** A turn of a user with limits, of which nothing was heard for an hour. */
async function staleTurn(keyId: string | null = null): Promise<string> {
  const claim = newClaim();
  const { turnId } = claim;
  claim.reservation = { ...reservationOf(turnId), keyId };
  const { kind } = await claimTurn(db, claim, { leaseMs: LEASE_MS, windowMessages: 20 });
  expect(kind).toBe('accepted');
  const sql = 'UPDATE turns SET heartbeat_at = heartbeat_at - 3600000 WHERE id = ?';
  await db.batch([{ sql, args: [turnId] }], 'write');
  return turnId;
}

function reservationOf(turnId: string): ReserveAsk {
  return {
    ...{ turnId, defaults: { ...NO_LIMITS, turns_at_once: 9 }, leaseMs: LEASE_MS, keyId: null },
    ...{ firstWay: 'grant', prompt: 12, from: null, atHead: true, most: null, least: 50 },
    ...{ model: 'some/model', allowance: [300, 900, 2, 3], models: '{"*":[100,100,null,null]}' },
  };
}

/** What a turn keeps of how the limits stood when it began. */
async function budgetOf(turnId: string): Promise<unknown> {
  const sql = 'SELECT budget FROM turns WHERE id = ?';
  return (await db.batch([{ sql, args: [turnId] }], 'read'))[0]?.rows[0]?.['budget'];
}

const statusOf = async (turnId: string) =>
  (await readTurn(db, { turnId, principal: ANYONE, leaseMs: 1e9 }))?.message.status;

it('a sweep ends the turns of dead instances and not those of its own', async () => {
  const [dead, alive] = [await staleTurn(), await staleTurn()];
  await sweep(db, LEASE_MS, [alive]);
  expect([await statusOf(dead), await statusOf(alive)]).toEqual(['interrupted', 'streaming']);
  await sweep(db, LEASE_MS);
  expect(await statusOf(alive)).toBe('interrupted');
});

it('a turn that a sweep ends keeps nothing of how the limits stood', async () => {
  const turnId = await staleTurn();
  expect(await budgetOf(turnId)).toContain('12');
  await sweep(db, LEASE_MS);
  expect(await budgetOf(turnId)).toBeNull();
});

it('a turn that a sweep ends counts for the key that acted for its user', async () => {
  const [keyId, userId] = ['acting', 'who-acts'];
  const sql = `INSERT INTO credentials (id, kind, hash, user_id, scopes, created_at)
    VALUES (?, 'key', 'some', ?, '["admin"]', 1)`;
  await db.batch([{ sql, args: [keyId, userId] }], 'write');
  await staleTurn(keyId);
  await sweep(db, LEASE_MS);
  await setKeyLimits(db, { keyId, userId }, { tokens_per_day: 99 });
  const ask = { defaults: NO_LIMITS, leaseMs: LEASE_MS, userId, keyId };
  expect(await readBudget(db, ask)).toMatchObject([{ of: 'key', used: 12 }]);
});
