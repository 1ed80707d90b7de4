/**
 * What arrives at the database twice, or late, as gateways and hung connections bring it: an answer
 * that grows is stored as it was said.
 */
import { beforeEach, expect, it } from 'vitest';
import { newId } from '../../../../src/core/ids.ts';
import { contentOf } from '../../../../src/core/parts.ts';
import { ANYONE } from '../../../../src/core/principal.ts';
import { claimTurn } from '../../../../src/store/turns/claim-turn.ts';
import type { TurnClaim } from '../../../../src/store/turns/claim.ts';
import { saveCheckpoints, type Checkpoint } from '../../../../src/store/turns/checkpoint.ts';
import { readTurn } from '../../../../src/store/turns/read.ts';
import { releaseClaim } from '../../../../src/store/turns/release-claim.ts';
import { newClaim } from './new-claim.ts';
import { migratedDatabase } from '../migrated-database.ts';

const LIMITS = { leaseMs: 60_000, windowMessages: 20 };
const db = migratedDatabase();
let claim: TurnClaim;

beforeEach(() => {
  claim = { ...newClaim(), idempotency: { scope: 'ann', key: newId(), fingerprint: 'f' } };
});

function checkpoint(count: number, said: string, replace = false): Checkpoint {
  const { turnId, assistantMessageId: messageId } = claim;
  const parts = [{ type: 'text' as const, text: said }];
  return { turnId, messageId, count, parts, replace, textLength: said.length };
}

async function arrive(...checkpoints: Checkpoint[]): Promise<string> {
  const { instanceId, turnId } = claim;
  for (const one of checkpoints)
    await saveCheckpoints(db, { instanceId, turnIds: [turnId], checkpoints: [one] });
  const turn = await readTurn(db, { turnId, principal: ANYONE, leaseMs: LIMITS.leaseMs });
  return contentOf(turn?.message.parts ?? []);
}

it('a checkpoint is appended once, however often it arrives', async () => {
  await claimTurn(db, claim, LIMITS);
  expect(await arrive(checkpoint(1, 'a'), checkpoint(1, 'a'))).toBe('a');
  expect(await arrive(checkpoint(2, 'b'), checkpoint(2, 'b'), checkpoint(1, 'a'))).toBe('ab');
});

it('a late checkpoint adds nothing to the whole text that replaced it', async () => {
  await claimTurn(db, claim, LIMITS);
  const late = checkpoint(2, 'b');
  expect(await arrive(checkpoint(1, 'a'), checkpoint(3, 'abc', true), late)).toBe('abc');
  const lateWhole = checkpoint(3, 'abc', true);
  expect(await arrive(checkpoint(4, 'd'), lateWhole, late)).toBe('abcd');
});

it('a whole text replaces a checkpoint that never arrived', async () => {
  await claimTurn(db, claim, LIMITS);
  expect(await arrive(checkpoint(1, 'a'), checkpoint(3, 'abc', true), checkpoint(4, 'd'))).toBe(
    'abcd',
  );
});

it('a claim that arrives after its release is not accepted', async () => {
  await releaseClaim(db, claim, 0);
  expect(await claimTurn(db, claim, LIMITS)).toEqual({ kind: 'not_found' });
  const [found] = await db.batch(
    [{ sql: 'SELECT id FROM conversations WHERE id = ?', args: [claim.conversationId] }],
    'read',
  );
  expect(found?.rows).toEqual([]);
  const again = { ...claim, turnId: newId() };
  expect(await claimTurn(db, again, LIMITS)).toMatchObject({ kind: 'accepted' });
});
