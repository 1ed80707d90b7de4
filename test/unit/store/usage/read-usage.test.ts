/** What was used is told by the time of the database, whatever the clocks of the processes say. */
import { expect, it } from 'vitest';
import { newId } from '../../../../src/core/ids.ts';
import { createPriceTable } from '../../../../src/core/prices.ts';
import { recordCalls } from '../../../../src/store/usage/ledger.ts';
import { readUsage } from '../../../../src/store/usage/read-usage.ts';
import { migratedDatabase } from '../migrated-database.ts';

const db = migratedDatabase();

const HOUR_MS = 3_600_000;
const FROM = Date.UTC(2026, 4, 1);
const TO = Date.UTC(2026, 5, 1);

const call = (userId: string, at: number, hours: number) =>
  recordCalls(
    [
      {
        ...{ workId: newId(at + hours * HOUR_MS), number: 0, kind: 'answer', userId },
        ...{ keyId: null, conversationId: null, model: 'm', inputTokens: 1, outputTokens: 0 },
        ...{ cachedTokens: 0, reasoningTokens: 0, isEstimated: false, nanodollars: 1 },
      },
    ],
    at,
  );

it.each([-23, 0, 23])('reads a month where ids are %i hours wrong', async (hours) => {
  const userId = `user${hours}`;
  const times = [FROM - 1, FROM, TO - 1, TO];
  await db.batch(
    times.flatMap((at) => call(userId, at, hours)),
    'write',
  );
  const asked = { userId, from: FROM, to: TO, groupBy: 'day' } as const;
  const days = await readUsage(db, asked, createPriceTable([]));
  expect(days.map(({ group, calls }) => [group, calls])).toEqual([
    ['2026-05-01', 1],
    ['2026-05-31', 1],
  ]);
});
