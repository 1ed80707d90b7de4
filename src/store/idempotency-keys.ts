/** Idempotency keys: what one is, and how the resource that it made before is found. */
import { and, eq, gt, sql, type SQL } from 'drizzle-orm';
import { NOW, type Statement } from './database.ts';
import { now, prepare, query, statement, type Given } from './query.ts';
import { idempotencyKeys } from './schema.ts';

/** Milliseconds for which an idempotency key is remembered. */
export const KEY_LIFETIME_MS = 24 * 60 * 60 * 1000;

export interface Key {
  scope: string;
  key: string;
  fingerprint: string;
  /** True for one that is not remembered, and that only finds a turn which nobody has read. */
  isForUnread?: true;
}

/**
 * Returns the key that marks a claim as released, since the claim may still arrive. Its scope is
 * empty, which no user's and no conversation's is.
 */
export function releaseKey(turnId: string): Key {
  return { scope: '', key: turnId, fingerprint: '' };
}

type KeyName = Pick<Key, 'scope' | 'key'>;

/** Returns the condition that a key is still remembered. */
export function isRemembered({ scope, key }: KeyName | Given<'scope' | 'key'>): SQL | undefined {
  const age = sql`${now} - ${sql.raw(String(KEY_LIFETIME_MS))}`;
  return and(
    eq(idempotencyKeys.scope, scope),
    eq(idempotencyKeys.key, key),
    gt(idempotencyKeys.createdAt, age),
  );
}

/** Selects the resource that a key made. */
export function knownResource(key: KeyName | Given<'scope' | 'key'>) {
  return query
    .select({ resourceId: idempotencyKeys.resourceId })
    .from(idempotencyKeys)
    .where(isRemembered(key));
}

/** The same as SQL, for statements written by hand: it takes the scope and the key. */
export const KNOWN_RESOURCE = statement(knownResource({ scope: '', key: '' })).sql;

/**
 * Remembers what a key made, or was about; a key that is known already stays as it is.
 * @param resource a query for its `id`; where that finds nothing, nothing is remembered
 */
export function rememberKey({ scope, key, fingerprint }: Key, resource: Statement): Statement {
  return {
    sql: `INSERT OR REPLACE INTO idempotency_keys (scope, key, fingerprint, resource_id, created_at)
      SELECT ?, ?, ?, id, ${NOW} FROM (${resource.sql}) WHERE NOT EXISTS (${KNOWN_RESOURCE})`,
    args: [scope, key, fingerprint, ...resource.args, scope, key],
  };
}

const selectStored = prepare((given: Given<'scope' | 'key'>) =>
  query
    .select({ fingerprint: idempotencyKeys.fingerprint })
    .from(idempotencyKeys)
    .where(isRemembered(given)),
);

/** Selects the fingerprint of the request that a key was first used for. */
export function selectFingerprint({ scope, key }: KeyName) {
  return selectStored({ scope, key });
}
