/** Idempotency keys: what one is, and how the resource that it made before is found. */
import { NOW } from './database.ts';

/** How long an idempotency key is remembered. */
export const KEY_LIFETIME_MS = 24 * 60 * 60 * 1000;

export interface Key {
  scope: string;
  key: string;
  fingerprint: string;
}

/** The resource that a scope and key made, as an SQL query over these two, in this order. */
export const KNOWN_RESOURCE = `SELECT resource_id FROM idempotency_keys WHERE scope = ? AND key = ? AND created_at > ${NOW} - ${KEY_LIFETIME_MS}`;
