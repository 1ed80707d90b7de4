/** Reads the ledger: what a user's calls of models have used, in groups. */
import { and, eq, gte, isNull, lt, sql, type SQL } from 'drizzle-orm';
import type { UsageGroup, UsageSum } from '../../core/ledger.ts';
import { lowestId } from '../../core/ids.ts';
import { costOf, type PriceTable } from '../../core/prices.ts';
import type { Database } from '../database.ts';
import { batch, query } from '../query.ts';
import { ledger } from '../schema.ts';
import { ID_TOLERANCE } from './ledger.ts';

export interface UsageQuery {
  userId: string;
  /** The first millisecond since the epoch, and the first after it. */
  from: number;
  to: number;
  groupBy: UsageGroup;
}

const DAY = sql<string>`date(${ledger.createdAt} / 1000, 'unixepoch')`;

const KEYS: Record<UsageGroup, SQL<string | null>> = {
  day: DAY,
  model: sql<string>`${ledger.model}`,
  conversation: sql<string | null>`${ledger.conversationId}`,
  key: sql<string | null>`${ledger.keyId}`,
};

const COUNTS = {
  calls: sql<number>`count(*)`,
  inputTokens: sql<number>`sum(${ledger.inputTokens})`,
  outputTokens: sql<number>`sum(${ledger.outputTokens})`,
  cachedTokens: sql<number>`sum(${ledger.cachedTokens})`,
};

const TURNS = sql<number>`count(distinct case ${ledger.kind} when 'answer' then ${ledger.workId} end)`;

/**
 * Returns the sums of all groups, in their order.
 * @param prices of calls whose price was not known when they were recorded
 */
export async function readUsage(
  db: Database,
  { userId, from, to, groupBy }: UsageQuery,
  prices: PriceTable,
): Promise<UsageSum[]> {
  const key = KEYS[groupBy];
  const inRange = and(
    eq(ledger.userId, userId),
    gte(ledger.workId, lowestId(from - ID_TOLERANCE)),
    lt(ledger.workId, lowestId(to + ID_TOLERANCE)),
    gte(ledger.createdAt, from),
    lt(ledger.createdAt, to),
  );
  const sums = query
    .select({
      group: key,
      turns: TURNS,
      ...COUNTS,
      reasoningTokens: sql<number>`sum(${ledger.reasoningTokens})`,
      nanodollars: sql<number>`coalesce(sum(${ledger.nanodollars}), 0)`,
      estimatedCalls: sql<number>`sum(${ledger.isEstimated})`,
    })
    .from(ledger)
    .where(inRange)
    .groupBy(key)
    .orderBy(key);
  const unpriced = query
    .select({ group: key, model: ledger.model, day: DAY, ...COUNTS })
    .from(ledger)
    .where(and(inRange, isNull(ledger.nanodollars)))
    .groupBy(key, ledger.model, DAY);
  const [groups, later] = await batch(db, [sums, unpriced], 'read');
  return groups.map((group) => {
    const own = later.filter((each) => each.group === group.group);
    const priced = own.map((each) => ({
      ...each,
      price: prices.priceOf(each.model, startOf(each)),
    }));
    const cost = priced.reduce(
      (sum, { price, ...used }) => sum + (price ? costOf(price, used) : 0),
      0,
    );
    const without = priced.filter(({ price }) => price === undefined);
    return {
      ...group,
      nanodollars: group.nanodollars + cost,
      unpricedCalls: without.reduce((sum, { calls }) => sum + calls, 0),
    };
  });
}

function startOf({ day }: { day: string }): number {
  return Date.parse(`${day}T23:59:59.999Z`);
}
