/** Reads how many bytes a user's files may still take, as SQL. */
import { sql, type SQL } from 'drizzle-orm';
import { userLimits } from '../schema.ts';
import { NONE } from './limits.ts';

/** Sums the bytes of a user's files, those that are the same once: the user's id comes after it. */
export const SUM_OF_BYTES =
  'SELECT coalesce(sum(f.size), 0) FROM file_contents f WHERE f.user_id =';

/**
 * Returns how many bytes a user's limit has left, as SQL; null for no limit. Keys have no limit of
 * this kind.
 * @param standard the limit of users who have none of their own; null for none
 */
export function bytesLeft(userId: string, standard: number | null): SQL {
  const own = sql`(select ${userLimits.storedBytes} from ${userLimits} where ${userLimits.userId} = ${userId})`;
  return sql`(nullif(coalesce(${own}, ${standard}), ${NONE}) - (${sql.raw(SUM_OF_BYTES)} ${userId}))`;
}
