/** Reads how many bytes a user's files may still take, as SQL. */
import { sql, type SQL } from 'drizzle-orm';
import { fileContents, userLimits } from '../schema.ts';
import { NONE } from './limits.ts';

/**
 * Returns how many bytes a user's limit has left, as SQL; null for no limit. The same bytes count
 * once. Keys have no limit of this kind.
 * @param standard the limit of users who have none of their own; null for none
 */
export function bytesLeft(userId: string, standard: number | null): SQL {
  const own = sql`(select ${userLimits.storedBytes} from ${userLimits} where ${userLimits.userId} = ${userId})`;
  const used = sql`(select coalesce(sum(${fileContents.size}), 0) from ${fileContents} where ${fileContents.userId} = ${userId})`;
  return sql`(nullif(coalesce(${own}, ${standard}), ${NONE}) - ${used})`;
}
