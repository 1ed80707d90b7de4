/** The table of users whose data is being deleted. */
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Users whose data is being deleted. A row is gone when nothing of the user is left. */
export const erasures = sqliteTable(
  'erasures',
  {
    userId: text('user_id').primaryKey(),
    requestedAt: integer('requested_at').notNull(),
    /** From when on somebody else may go on with it: whoever does it renews this. */
    dueAt: integer('due_at').notNull(),
    /** Until when what limits count stays; null for no longer than the rest. */
    keepsUsageUntil: integer('keeps_usage_until'),
  },
  (table) => [index('erasures_by_due').on(table.dueAt)],
);
