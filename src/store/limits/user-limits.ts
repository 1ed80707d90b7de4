/** Limits of single users, which take the place of the default ones. */
import { LIMIT_NAMES, type LimitName } from '../../core/limits.ts';
import type { Database } from '../database.ts';
import { batch, query } from '../query.ts';
import { userLimits } from '../schema.ts';

/** What was set for a user: null for no limit; what is left out is the default. */
export type OwnLimits = Readonly<Partial<Record<LimitName, number | null>>>;

/** How "no limit" is stored. */
const NONE = -1;

const COLUMNS = {
  requests_per_minute: 'requestsPerMinute',
  turns_at_once: 'turnsAtOnce',
  tokens_per_day: 'tokensPerDay',
  tokens_per_month: 'tokensPerMonth',
  cost_per_month: 'costPerMonth',
} as const satisfies Record<LimitName, keyof typeof userLimits.$inferSelect>;

/** Sets the limits of a user, in place of those that were set before. */
export async function setLimits(db: Database, userId: string, own: OwnLimits): Promise<void> {
  const values = Object.fromEntries(
    LIMIT_NAMES.map((name) => {
      const limit = own[name];
      return [COLUMNS[name], limit === undefined ? null : (limit ?? NONE)];
    }),
  );
  const insert = query.insert(userLimits).values({ userId, ...values });
  await batch(db, [insert.onConflictDoUpdate({ target: userLimits.userId, set: values })], 'write');
}
