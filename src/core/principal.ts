import { invalid } from './errors.ts';

/** The scopes of credentials, beyond their own users' things. `admin` acts for any user. */
export const SCOPES = ['admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** The kind of credential. A session and a ticket are got for one of the others. */
export const CREDENTIAL_KINDS = ['key', 'session', 'ticket'] as const;
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number];
export type Establishment = CredentialKind | 'token';

/**
 * The facts that the database confirms of a credential: that it has it, and that it was neither
 * revoked nor has expired.
 */
export interface CredentialProof {
  kind: CredentialKind;
  /** The credential's public id. */
  id: string;
  /** SHA-256 of the credential, hexadecimal. */
  hash: string;
}

/** A user whom a credential has established. */
export interface IdentifiedUser {
  kind: 'user';
  /** The user that is acted for: the credential's, or whom an admin has named. */
  userId: string;
  /** The tenant whose database the user is in, where each has one. */
  tenant?: string | undefined;
  establishedBy: Establishment;
  scopes: readonly Scope[];
  /** The public id of the key behind it; undefined where a token is. */
  keyId?: string | undefined;
  /** Undefined for a token, which needs no database. */
  proof?: CredentialProof | undefined;
  /** The credential's end, in milliseconds since the epoch; undefined where it does not say. */
  expiresAt?: number | undefined;
}

/**
 * The caller of a request. Without identity (`AUTH=none`) anybody may call. A request that names a
 * user sees only what that user owns; for one that names none, knowing an unguessable id suffices.
 */
export type Principal = IdentifiedUser | { kind: 'anyone'; userId?: string };

/**
 * Returns the id of the user that the principal acts for; undefined when the request names none.
 */
export function userIdOf(principal: Principal): string | undefined {
  return principal.userId;
}

/** Returns what the database is to confirm of the caller; undefined where there is nothing. */
export function proofOf(principal: Principal): CredentialProof | undefined {
  return principal.kind === 'user' ? principal.proof : undefined;
}

/** Returns the public id of the caller's key; undefined where there is none. */
export function keyIdOf(principal: Principal): string | undefined {
  return principal.kind === 'user' ? principal.keyId : undefined;
}

/** Returns the tenant of the caller; undefined where all users share a database. */
export function tenantOf(principal: Principal): string | undefined {
  return principal.kind === 'user' ? principal.tenant : undefined;
}

/** Returns true when the caller's credential has the scope; nobody has one without identity. */
export function hasScope(principal: Principal, scope: Scope): boolean {
  return principal.kind === 'user' && principal.scopes.includes(scope);
}

/** The principal of our own code, for data whose owner has been checked before. */
export const ANYONE: Principal = { kind: 'anyone' };

/**
 * Returns the id of the user that something is made or listed for.
 * @throws ParleyError `invalid_request` when the request names no user
 */
export function requireUserId(principal: Principal): string {
  const userId = userIdOf(principal);
  if (userId === undefined || userId === '')
    throw invalid('user_id', 'user_id is required, in the body or the query');
  return userId;
}
