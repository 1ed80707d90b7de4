/** The tables of what calls of models used, and of what users may use. */
import { isNotNull } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { CALL_KINDS } from '../../core/ledger.ts';

/** The ledger: a row for each call of a model. It outlives what the call was made for. */
export const ledger = sqliteTable(
  'ledger',
  {
    /** The turn, or a piece of work with an id of its own. */
    workId: text('work_id').notNull(),
    /** Of the call within that work. */
    number: integer('number').notNull(),
    userId: text('user_id').notNull(),
    conversationId: text('conversation_id'),
    /** The public id of the key by which it was asked for; null where there was none. */
    keyId: text('key_id'),
    /** The same where the user is not the key's own; a trigger sets it. They are found by it. */
    actingKeyId: text('acting_key_id'),
    kind: text('kind', { enum: CALL_KINDS }).notNull(),
    model: text('model').notNull(),
    inputTokens: integer('input_tokens').notNull(),
    outputTokens: integer('output_tokens').notNull(),
    /** Among the input tokens. */
    cachedTokens: integer('cached_tokens').notNull(),
    /** Among the output tokens. */
    reasoningTokens: integer('reasoning_tokens').notNull(),
    isEstimated: integer('is_estimated', { mode: 'boolean' }).notNull(),
    /** The cost in billionths of a US dollar; null while no price is known. */
    nanodollars: integer('nanodollars'),
    /** The time when the turn was accepted, or the other work was stored. */
    createdAt: integer('created_at').notNull(),
  },
  (table) => [
    // Ids begin with their time, so a user's entries are in the order of their time.
    primaryKey({ columns: [table.userId, table.workId, table.number] }),
    // Few keys act for others, so few entries are in it.
    index('ledger_by_acting_key')
      .on(table.actingKeyId, table.createdAt)
      .where(isNotNull(table.actingKeyId)),
  ],
);

/**
 * Sums of the ledger, for each user who has limits and each key that has its own. Triggers keep
 * them: a new entry is added, and one that changes or goes ends the row's day, so that it is summed
 * up anew. A row is made with the first turn of a day; until then the ledger is summed up.
 */
export const usageSums = sqliteTable(
  'usage_sums',
  {
    userId: text('user_id').notNull(),
    /**
     * The public id of the user's key, for what is done by it, also for other users; empty for all
     * that the user does.
     */
    keyId: text('key_id').notNull(),
    /** The first millisecond of the day, and the tokens since then. */
    day: integer('day').notNull(),
    dayTokens: integer('day_tokens').notNull(),
    /** The first millisecond of the month, and the tokens and billionths of a dollar since then. */
    month: integer('month').notNull(),
    monthTokens: integer('month_tokens').notNull(),
    monthCost: integer('month_cost').notNull(),
    /** From when on each request is in `usage_requests`, in milliseconds; null where none is. */
    requestsSince: integer('requests_since'),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.keyId] }),
    index('usage_sums_by_key').on(table.keyId),
  ],
);

/** The requests of the last minute, by the second, of those who have a row of `usage_sums`. */
export const usageRequests = sqliteTable(
  'usage_requests',
  {
    userId: text('user_id').notNull(),
    /** As in `usage_sums`. */
    keyId: text('key_id').notNull(),
    /** Seconds since the epoch. */
    second: integer('second').notNull(),
    requests: integer('requests').notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.keyId, table.second] })],
);

/** Limits that were set: null for one that was not, -1 for none. */
const limits = () => ({
  requestsPerMinute: integer('requests_per_minute'),
  turnsAtOnce: integer('turns_at_once'),
  tokensPerDay: integer('tokens_per_day'),
  tokensPerMonth: integer('tokens_per_month'),
  /** Billionths of a US dollar. */
  costPerMonth: integer('cost_per_month'),
  streams: integer('streams'),
  storedBytes: integer('stored_bytes'),
});

/** Limits of single users. */
export const userLimits = sqliteTable('user_limits', {
  userId: text('user_id').primaryKey(),
  ...limits(),
});

/** Limits of single keys. */
export const keyLimits = sqliteTable(
  'key_limits',
  {
    keyId: text('key_id').primaryKey(),
    /** The user of the key. */
    userId: text('user_id').notNull(),
    ...limits(),
  },
  (table) => [index('key_limits_by_user').on(table.userId)],
);
