/** The tables of tools: calls that had to be allowed, and what is allowed for good. */
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { json, parseToolOutput } from '../json-columns.ts';

/**
 * Calls that a user has allowed and that a turn has begun to run, each at most once. Rows are kept
 * as long as their conversation: they are what keeps a call from running again.
 */
export const toolRuns = sqliteTable(
  'tool_runs',
  {
    approvalId: text('approval_id').primaryKey(),
    turnId: text('turn_id').notNull(),
    /** Empty in rows of long ago whose turn has been deleted. */
    userId: text('user_id').notNull().default(''),
    conversationId: text('conversation_id').notNull().default(''),
    /** Null until it has ended, and for ever when it broke off. */
    output: json(parseToolOutput)('output'),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [index('tool_runs_by_user').on(table.userId, table.conversationId)],
);

/** Tools that a user has allowed for good. */
export const toolPermissions = sqliteTable(
  'tool_permissions',
  {
    userId: text('user_id').notNull(),
    tool: text('tool').notNull(),
    createdAt: integer('created_at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.tool] })],
);
