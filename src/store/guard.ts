/** Guards: statements that end a batch, and undo it, where a condition does not hold. */
import { sql, type SQL } from 'drizzle-orm';
import type { Statement } from './database.ts';
import { query, statement } from './query.ts';
import { refusals } from './schema.ts';

/** The constraint that ends a batch: each row that a guard inserts breaks it. */
const CONSTRAINT = 'refused_by_guard';

/** Ends the batch unless the condition holds. */
export function guard(condition: SQL): Statement {
  return statement(refuseUnless(condition));
}

/** Builds the query of a guard, for one that is prepared. */
export function refuseUnless(condition: SQL) {
  return query.insert(refusals).select(sql`select 1 where (${condition}) is not true`);
}

/** Returns true for the error of a batch that a guard has ended. */
export function isRefusedByGuard(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  // The code says that a constraint failed; which one, the message alone.
  const isConstraint = String(error.code).startsWith('SQLITE_CONSTRAINT');
  return isConstraint && error.message.includes(CONSTRAINT);
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
