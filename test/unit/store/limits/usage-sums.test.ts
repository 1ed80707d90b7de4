/**
 * Limits count the same by the sums that triggers keep as by the ledger itself, whatever is
 * recorded, repeated, changed and removed, and a request counts once.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../../../src/core/ids.ts';
import type { LedgerEntry } from '../../../../src/core/ledger.ts';
import { NO_LIMITS, type Limits } from '../../../../src/core/limits.ts';
import { readBudget } from '../../../../src/store/limits/budget.ts';
import { setKeyLimits, setLimits } from '../../../../src/store/limits/own-limits.ts';
import { reserve } from '../../../../src/store/limits/reserve.ts';
import type { ReserveAsk } from '../../../../src/store/limits/wanted.ts';
import { reservedFrom } from '../../../../src/store/limits/reserved.ts';
import { keepSums } from '../../../../src/store/limits/usage-sums.ts';
import { recordCalls } from '../../../../src/store/usage/ledger.ts';
import { createRandom } from '../../../faults/random.ts';
import { migratedDatabase } from '../migrated-database.ts';

const db = migratedDatabase();

const MUCH = 1_000_000_000;
const defaults: Limits = {
  ...NO_LIMITS,
  ...{ requests_per_minute: MUCH, turns_at_once: MUCH },
  ...{ tokens_per_day: MUCH, tokens_per_month: MUCH, cost_per_month: MUCH },
};
const asked = { defaults, leaseMs: 15_000 };
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let userId: string;
let keyId: string;
let count = 0;
beforeEach(async () => {
  userId = `user-${++count}`;
  keyId = `key-${count}`;
  await run(`INSERT INTO credentials (id, kind, hash, user_id, scopes, created_at)
    VALUES ('${keyId}', 'key', 'hash-${count}', '${userId}', '["user"]', 1)`);
  // A key's limit stands in for a default, and not for what was set for its user.
  await setLimits(db, userId, defaults);
  await setKeyLimits(db, { keyId, userId }, { tokens_per_day: MUCH, requests_per_minute: MUCH });
});

async function run(...sql: string[]): Promise<void> {
  await db.batch(
    sql.map((text) => ({ sql: text, args: [] })),
    'write',
  );
}

const keep = () => db.batch(keepSums(userId, { ...asked, keyId }), 'write');
const forget = () => run(`DELETE FROM usage_sums WHERE user_id = '${userId}'`);

/** The amounts used, by the owner and the name of the limit. */
async function used() {
  const budget = await readBudget(db, { ...asked, userId, keyId });
  return Object.fromEntries(budget.map((state) => [`${state.of} ${state.name}`, state.used]));
}

/** The same of tokens and costs. Requests were made, whatever becomes of their entries. */
async function spent() {
  const all = Object.entries(await used());
  return Object.fromEntries(all.filter(([name]) => !name.endsWith(' requests_per_minute')));
}

function entry(fields: Partial<LedgerEntry>): LedgerEntry {
  return {
    ...{ workId: 'w', number: 0, kind: 'answer', userId, keyId: null, conversationId: null },
    ...{ model: 'm', inputTokens: 10, outputTokens: 5, cachedTokens: 0, reasoningTokens: 0 },
    ...{ isEstimated: false, nanodollars: 7 },
    ...fields,
  };
}

const record = (entries: LedgerEntry[], at?: number) => db.batch(recordCalls(entries, at), 'write');

describe('sums of the ledger', () => {
  it('are what the ledger holds, after any changes of it', async () => {
    const random = createRandom(7);
    const now = Date.now();
    // Ids have the times of their works, by a clock that is hours wrong.
    const works = Array.from({ length: 20 }, () => {
      const at = now - random.below(4) * 10 * DAY_MS;
      return { at, workId: newId(at + (random.below(2) * 2 - 1) * 23 * HOUR_MS) };
    });
    for (let step = 0; step < 200; step++) {
      const { at, workId } = works[random.below(works.length)]!;
      const fields = { workId, number: random.below(2), inputTokens: random.below(50) };
      const change = random.below(10);
      if (change === 0) await keep();
      else if (change === 1) await run(`DELETE FROM ledger WHERE work_id = '${workId}'`);
      else if (change === 2)
        await run(
          `DELETE FROM ledger WHERE user_id = 'nobody'`,
          `UPDATE ledger SET user_id = 'nobody', key_id = NULL WHERE user_id = '${userId}' AND work_id = '${workId}'`,
        );
      else
        await record(
          [
            entry({
              ...fields,
              userId: random.below(4) ? userId : 'somebody',
              keyId: random.below(2) ? keyId : null,
              nanodollars: step % 3 ? step : null,
            }),
          ],
          at,
        );
      const sums = await spent();
      if (step % 10 === 9) {
        await forget();
        expect(await spent(), `after step ${step}`).toEqual(sums);
        await keep();
      }
    }
  });

  it('are added to by what is new, and not by a repeat', async () => {
    await keep();
    const call = entry({ workId: `${userId}-a`, keyId });
    await record([call, call]);
    await record([call]);
    expect(await used()).toMatchObject({
      ...{ 'user tokens_per_day': 15, 'user tokens_per_month': 15, 'user cost_per_month': 7 },
      'key tokens_per_day': 15,
    });
    const [kept] = await db.batch(
      [{ sql: 'SELECT day_tokens FROM usage_sums WHERE user_id = ?', args: [userId] }],
      'read',
    );
    expect(kept?.values).toEqual([[15], [15]]);
  });

  it.each([-23, 23])(
    'are of the time of the entries, where ids are %i hours wrong',
    async (hours) => {
      const startOfDay = Math.floor(Date.now() / DAY_MS) * DAY_MS;
      const workId = newId(startOfDay + hours * HOUR_MS);
      await record([entry({ workId })], startOfDay);
      await record([entry({ workId: newId(startOfDay + HOUR_MS) })], startOfDay - 1);
      expect(await used()).toMatchObject({ 'user tokens_per_day': 15 });
    },
  );

  it('of a key are of all that is done by it, also for other users', async () => {
    await keep();
    await record([entry({ workId: `${userId}-a`, userId: `${userId}-other`, keyId })]);
    expect(await used()).toMatchObject({ 'user tokens_per_day': 0, 'key tokens_per_day': 15 });
    await forget();
    expect(await used()).toMatchObject({ 'user tokens_per_day': 0, 'key tokens_per_day': 15 });
  });

  it('of yesterday count for nothing today', async () => {
    await record([entry({ workId: `${userId}-a` })]);
    await keep();
    await run(
      `UPDATE usage_sums SET day = day - ${DAY_MS}, day_tokens = 999, month_tokens = 999 WHERE user_id = '${userId}'`,
    );
    expect(await used()).toMatchObject({ 'user tokens_per_day': 15, 'user tokens_per_month': 15 });
    await keep();
    expect(await used()).toMatchObject({ 'user tokens_per_day': 15, 'user tokens_per_month': 15 });
  });
});

describe('requests of the last minute', () => {
  const ask = (turnId: string): ReserveAsk => ({
    ...{
      ...asked,
      firstWay: 'reserve' as const,
      keyId,
      turnId,
      prompt: 1,
      from: null,
      atHead: true,
      most: 5,
      least: 1,
    },
    ...{ model: 'm', allowance: [5, 5, 0, 0], models: '{}' },
  });

  async function turn(turnId: string) {
    await run(
      `INSERT INTO conversations (id, user_id, mode, created_at, updated_at)
        VALUES ('${turnId}', '${userId}', 'open', 1, 1)`,
      `INSERT INTO turns (id, conversation_id, user_id, instance_id, state, sequence_number, assistant_message_id, model, heartbeat_at, started_at)
        VALUES ('${turnId}', '${turnId}', '${userId}', 'i', 'running', 2, 'a', 'm', unixepoch() * 1000, unixepoch() * 1000)`,
    );
    return reserveFor(turnId);
  }

  async function reserveFor(turnId: string) {
    const place = { instanceId: 'i', created: undefined };
    const [told] = await db.batch(reserve(ask(turnId), place), 'write');
    return reservedFrom(told);
  }

  const requests = async () => {
    const { 'user requests_per_minute': ofUser, 'key requests_per_minute': ofKey } = await used();
    return [ofUser, ofKey];
  };

  it('are those that were there when they begin to be counted', async () => {
    await setLimits(db, userId, { ...defaults, requests_per_minute: null });
    await keep();
    await turn(`${userId}-running`);
    const work = { workId: `${userId}-work`, kind: 'embedding', keyId } as const;
    await record([0, 1].map((number) => entry({ ...work, number })));
    await setLimits(db, userId, defaults);
    const before = await requests();
    expect(before).toEqual([2, 2]);
    for (const _ of [1, 2]) {
      await keep();
      expect(await requests()).toEqual(before);
    }
    await turn(`${userId}-next`);
    expect(await requests()).toEqual([3, 3]);
  });

  it.each([
    ['from the turns and the ledger', false],
    ['by the second', true],
  ])('are counted once each, %s', async (_, isBySecond) => {
    if (isBySecond) {
      await keep();
      await run(`UPDATE usage_sums SET requests_since = 0 WHERE user_id = '${userId}'`);
    }
    const id = `${userId}-turn`;
    const reserved = await turn(id);
    const counted = reserved?.budget.filter(({ name }) => name === 'requests_per_minute');
    expect(counted?.map((state) => state.used)).toEqual([1, 1]);
    expect(await reserveFor(id)).toEqual(reserved);
    expect(await requests()).toEqual([1, 1]);
    // The turn's own calls are no requests, and a document's are one.
    await record([0, 1].map((number) => entry({ workId: id, number, keyId })));
    const work = { workId: `${userId}-ingest`, kind: 'embedding' } as const;
    await record([0, 1, 2].map((number) => entry({ ...work, number })));
    expect(await requests()).toEqual([2, 1]);
    // A turn that is refused is none.
    await setLimits(db, userId, { ...defaults, turns_at_once: 0 });
    const refused = await turn(`${userId}-refused`);
    expect(refused).toMatchObject({ granted: undefined });
    expect(await requests()).toEqual([2, 1]);
  });

  it('are forgotten a minute later', async () => {
    await keep();
    await turn(`${userId}-old`);
    await run(
      `UPDATE usage_sums SET requests_since = 0 WHERE user_id = '${userId}'`,
      `UPDATE usage_requests SET second = second - 62 WHERE user_id = '${userId}'`,
    );
    expect(await requests()).toEqual([0, 0]);
    await turn(`${userId}-new`);
    expect(await requests()).toEqual([1, 1]);
    const [rows] = await db.batch(
      [{ sql: 'SELECT count(*) FROM usage_requests WHERE user_id = ?', args: [userId] }],
      'read',
    );
    expect(rows?.values).toEqual([[2]]);
  });

  it('are not written down for those whom nobody limits in them', async () => {
    await setLimits(db, userId, { ...defaults, requests_per_minute: null });
    await setKeyLimits(db, { keyId, userId }, { tokens_per_day: MUCH });
    await keep();
    await turn(`${userId}-turn`);
    const rows = { sql: 'SELECT * FROM usage_requests WHERE user_id = ?', args: [userId] };
    const [none] = await db.batch([rows], 'read');
    expect(none?.values).toEqual([]);
    // The limit holds at once when it is set.
    await setLimits(db, userId, defaults);
    const { 'user requests_per_minute': counted } = await used();
    expect(counted).toBe(1);
  });
});
