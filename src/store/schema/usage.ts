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
    primaryKey({ columns: [table.workId, table.number] }),
    // With what budgets sum up, so that they read the index alone.
    index('ledger_by_user').on(
      table.userId,
      table.createdAt,
      table.inputTokens,
      table.outputTokens,
      table.nanodollars,
    ),
    index('ledger_by_key')
      .on(table.keyId, table.createdAt, table.inputTokens, table.outputTokens, table.nanodollars)
      .where(isNotNull(table.keyId)),
  ],
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
