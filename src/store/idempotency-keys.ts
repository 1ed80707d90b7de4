/** Idempotency keys: what one is, and how the resource that it made before is found. */
import { NOW, type Statement } from './database.ts';

/** How long an idempotency key is remembered. */
export const KEY_LIFETIME_MS = 24 * 60 * 60 * 1000;

export interface Key {
  scope: string;
  key: string;
  fingerprint: string;
}

/** What is remembered of a claim that was taken back, since it may arrive yet. No user and no conversation has an empty name. */
export function releaseKey(turnId: string): Key {
  return { scope: '', key: turnId, fingerprint: '' };
}

/** A key that is still remembered, as a condition on its scope and itself, in this order. */
const REMEMBERED = `FROM idempotency_keys WHERE scope = ? AND key = ? AND created_at > ${NOW} - ${KEY_LIFETIME_MS}`;

/** The resource that a scope and key made, as an SQL query over these two, in this order. */
export const KNOWN_RESOURCE = `SELECT resource_id ${REMEMBERED}`;

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

/** The fingerprint of the request that a key was first used for. */
export function selectFingerprint({ scope, key }: Pick<Key, 'scope' | 'key'>): Statement {
  return { sql: `SELECT fingerprint ${REMEMBERED}`, args: [scope, key] };
}
