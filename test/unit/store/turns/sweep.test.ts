import { ANYONE } from '../../../../src/core/principal.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectFile } from '../../../../src/host/node/database/libsql-file.ts';
import { migrateFromFolder } from '../../../../src/host/node/database/open.ts';
import { claimTurn } from '../../../../src/store/turns/claim-turn.ts';
import { readTurn } from '../../../../src/store/turns/read.ts';
import { sweep } from '../../../../src/store/turns/sweep.ts';
import { newClaim } from './new-claim.ts';

const LEASE_MS = 1_000;
const folder = mkdtempSync(join(tmpdir(), 'parley-sweep-'));
const db = connectFile(`file:${join(folder, 'parley.db')}`);

beforeAll(async () => {
  await migrateFromFolder(db);
});
afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

/** A turn of which nothing was heard for an hour. */
async function staleTurn(): Promise<string> {
  const claim = newClaim();
  const { turnId } = claim;
  const { kind } = await claimTurn(db, claim, { leaseMs: LEASE_MS, windowMessages: 20 });
  expect(kind).toBe('accepted');
  const sql = 'UPDATE turns SET heartbeat_at = heartbeat_at - 3600000 WHERE id = ?';
  await db.batch([{ sql, args: [turnId] }], 'write');
  return turnId;
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
