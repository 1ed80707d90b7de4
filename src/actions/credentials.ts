/** Gives out credentials: keys, and the sessions and tickets that are got for one. */
import { hashCredential, mintCredential } from '../auth/credential.ts';
import { invalid, ParleyError } from '../core/errors.ts';
import {
  hasScope,
  type CredentialKind,
  type IdentifiedUser,
  type Scope,
} from '../core/principal.ts';
import { createCredential } from '../store/credentials/credentials.ts';
import type { Database } from '../store/database.ts';

/** A credential that was given out. Its text is shown this once. */
export interface Issued {
  id: string;
  text: string;
  userId: string;
  name: string | null;
  scopes: readonly Scope[];
  /** Milliseconds since the epoch. */
  createdAt: number;
  expiresAt: number | null;
}

export interface KeyFields {
  userId: string;
  /** The tenant whose database it is stored in; undefined where all users share one. */
  tenant?: string | undefined;
  name?: string | null | undefined;
  scopes?: readonly Scope[] | undefined;
  /** Milliseconds since the epoch; null for never. */
  expiresAt?: number | null | undefined;
}

/** Gives out a key. */
export async function issueKey(db: Database, fields: KeyFields): Promise<Issued> {
  const { userId, tenant, name = null, scopes = [], expiresAt = null } = fields;
  if (expiresAt !== null && expiresAt <= Date.now())
    throw invalid('expires_at', 'expires_at must be in the future');
  const ends = expiresAt ?? undefined;
  const minted = mintCredential('key', { userId, tenant, scopes, expiresAt: ends });
  return store(db, { ...minted, kind: 'key', userId, name, scopes, parentId: null, expiresAt });
}

/**
 * Gives out a key to a caller, for itself or, as an admin, for anybody.
 * @throws ParleyError `forbidden` when the caller asks for more than it has
 */
export function issueKeyTo(
  db: Database,
  caller: IdentifiedUser,
  fields: KeyFields,
): Promise<Issued> {
  const missing = fields.scopes?.find((scope) => !hasScope(caller, scope));
  if (missing !== undefined)
    throw new ParleyError({
      code: 'forbidden',
      detail: `Only a credential with the scope ${missing} gives that scope on`,
    });
  return issueKey(db, { ...fields, tenant: caller.tenant });
}

/**
 * Gives out a session or a ticket for the credential of a caller. It ends with that.
 * @param lifetimeMs how long it may be used
 */
export function issueFor(
  db: Database,
  caller: IdentifiedUser,
  { kind, lifetimeMs }: { kind: Exclude<CredentialKind, 'key'>; lifetimeMs: number },
): Promise<Issued> {
  const { userId, tenant, scopes, keyId, proof, expiresAt: ends } = caller;
  const minted = mintCredential(kind, { userId, tenant, scopes, keyId, expiresAt: ends });
  const expiresAt = Math.min(Date.now() + lifetimeMs, ends ?? Number.POSITIVE_INFINITY);
  const parentId = proof?.id ?? null;
  return store(db, { ...minted, kind, userId, name: null, scopes, parentId, expiresAt });
}

interface Minted extends Omit<Issued, 'createdAt'> {
  kind: CredentialKind;
  parentId: string | null;
}

async function store(db: Database, { text, ...minted }: Minted): Promise<Issued> {
  const hash = await hashCredential(text);
  const createdAt = await createCredential(db, { ...minted, hash, scopes: [...minted.scopes] });
  return { ...minted, text, createdAt };
}
