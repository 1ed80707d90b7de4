/** Guards: statements that end a batch, and undo it, where a condition does not hold. */
import { sql, type SQL } from 'drizzle-orm';
import type { Statement } from './database.ts';
import { plain } from './query.ts';

/** Ends the batch unless the condition holds. */
export function guard(condition: SQL): Statement {
  // SQLite has no other way of refusing in plain SQL than a function that fails.
  return plain(sql`select json(case when ${condition} then '1' else 'refused' end)`);
}

/** True for the error of a batch that a guard has ended. */
export function isRefusedByGuard(error: unknown): boolean {
  return error instanceof Error && error.message.includes('malformed JSON');
}

/** Awaits a batch. @returns undefined when one of its guards has ended it */
export async function unlessRefused<Results>(
  results: Promise<Results>,
): Promise<Results | undefined> {
  try {
    return await results;
  } catch (error) {
    if (isRefusedByGuard(error)) return undefined;
    throw error;
  }
}
