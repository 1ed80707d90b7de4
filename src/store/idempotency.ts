/** Idempotency keys: what one is, and how the resource that it made before is found. */
import { NOW, type Statement } from './database.ts';

/** How long an idempotency key is remembered. */
export const KEY_LIFETIME_MS = 24 * 60 * 60 * 1000;

export interface Key {
  scope: string;
  key: string;
  fingerprint: string;
}

/** The resource that a scope and key made, as an SQL query over these two, in this order. */
export const KNOWN_RESOURCE = `SELECT resource_id FROM idempotency_keys WHERE scope = ? AND key = ? AND created_at > ${NOW} - ${KEY_LIFETIME_MS}`;

/** Remembers what a key made, or was about; a key that is known already stays as it is. */
export function rememberKey({ scope, key, fingerprint }: Key, resourceId: string): Statement {
  return {
    sql: `INSERT OR REPLACE INTO idempotency_keys (scope, key, fingerprint, resource_id, created_at)
      SELECT ?, ?, ?, ?, ${NOW} WHERE NOT EXISTS (${KNOWN_RESOURCE})`,
    args: [scope, key, fingerprint, resourceId, scope, key],
  };
}

/** The fingerprint of the request that a key was first used for. */
export function selectFingerprint({ scope, key }: Pick<Key, 'scope' | 'key'>): Statement {
  return {
    sql: `SELECT fingerprint FROM idempotency_keys WHERE scope = ? AND key = ? AND created_at > ${NOW} - ${KEY_LIFETIME_MS}`,
    args: [scope, key],
  };
}
