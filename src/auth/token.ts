/**
 * Checks signed tokens (JWT, RFC 7519, by the advice of RFC 8725). The algorithm is decided by the
 * kind of key, never by the token: HS256 with the secret, and RS256, ES256 and EdDSA with the
 * issuer's public keys.
 */
import type * as Jose from 'jose';
import type { JWTPayload, JWTVerifyOptions } from 'jose';
import type { Config } from '../config.ts';
import { ParleyError } from '../core/errors.ts';
import { SCOPES, type IdentifiedUser } from '../core/principal.ts';
import { hasTenants, isTenant } from '../core/tenant.ts';
import type { VerifyToken } from './identity.ts';
import { KeySet, type FetchKeys } from './key-set.ts';
import { VerifiedTokens } from './verified-tokens.ts';

/** The parts of the library that are used. It is loaded with the first token. */
export type JoseLibrary = Pick<
  typeof Jose,
  'jwtVerify' | 'createLocalJWKSet' | 'decodeProtectedHeader' | 'errors'
>;

export interface TokenDependencies {
  loadJose: () => Promise<JoseLibrary>;
  /** Fetches the issuer's public keys. */
  fetchKeys: FetchKeys;
  /** Milliseconds since the epoch, unless given by the system's clock. */
  now?: () => number;
}

type TokenSettings = Pick<
  Config,
  | 'JWT_SECRET'
  | 'JWT_JWKS_URL'
  | 'JWT_ISSUER'
  | 'JWT_AUDIENCE'
  | 'JWT_TENANT_CLAIM'
  | 'DATABASE_URL'
>;

const PUBLIC_KEY_ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];
/** The longest token in characters; servers of headers take no longer ones either. */
const LONGEST = 16 * 1024;
/** The form of a signed token: three parts in base64url, without padding. */
const FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/;
/** Headers by which a token would bring its own key, or ask for more than we check. */
const REFUSED_HEADERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64', 'zip', 'enc'] as const;
/**
 * The types of tokens that say who calls. An issuer signs others by the same keys: of a logout, or
 * as a proof for one request.
 */
const TYPES = /^(?:application\/)?(?:at\+)?jwt$/i;
/** The longest id of a user, in UTF-16 units. */
const LONGEST_NAME = 200;
/** Seconds by which the issuer's clock may be ahead of ours. */
const CLOCK_SKEW_S = 5;

/** Creates what checks tokens by these settings. */
export function createTokenVerifier(
  settings: TokenSettings,
  dependencies: TokenDependencies,
): VerifyToken {
  const { now = Date.now } = dependencies;
  const keys = keySource(settings, { ...dependencies, now });
  const verified = new VerifiedTokens();
  const tenantClaim = hasTenants(settings.DATABASE_URL) ? settings.JWT_TENANT_CLAIM : undefined;
  const options: JWTVerifyOptions = {
    issuer: settings.JWT_ISSUER,
    audience: settings.JWT_AUDIENCE,
    requiredClaims: ['sub', 'exp'],
    clockTolerance: CLOCK_SKEW_S,
  };
  return async (token) => {
    const current = keys.current();
    const known = verified.find(token, { keys: current, now: now() });
    if (known) return known;
    if (token.length > LONGEST || !FORM.test(token)) return undefined;
    const jose = await dependencies.loadJose();
    try {
      const header = jose.decodeProtectedHeader(token);
      if (REFUSED_HEADERS.some((name) => Object.hasOwn(header, name))) return undefined;
      if (header.typ !== undefined && !TYPES.test(header.typ)) return undefined;
      const { key, algorithms } = keys.of(jose, header.alg);
      const currentDate = new Date(now());
      const { payload } = await jose.jwtVerify(token, key, { ...options, algorithms, currentDate });
      // It is bound to a key of its holder's (RFC 9449, RFC 8705): whoever found it has none.
      if (payload['cnf'] !== undefined) return undefined;
      const user = userOf(payload, { tenantClaim, now: now() });
      // With keys that have changed meanwhile, it has to be verified anew.
      if (user && current && keys.current() === current)
        verified.add(token, { user, keys: current });
      return user;
    } catch (error) {
      // The issuer's keys could not be fetched: that says nothing about the token.
      if (error instanceof ParleyError) throw error;
      return undefined;
    }
  };
}

interface Keys {
  key: Jose.JWTVerifyGetKey;
  algorithms: string[];
}

interface KeySource {
  /** Chooses the keys for an algorithm; unknown ones get none to try. */
  of(jose: JoseLibrary, algorithm: string | undefined): Keys;
  /** Another object whenever the keys have changed; undefined while they are not known. */
  current(): object | undefined;
}

function keySource(
  { JWT_SECRET, JWT_JWKS_URL }: TokenSettings,
  { fetchKeys, now }: TokenDependencies,
): KeySource {
  let secret: Promise<CryptoKey> | undefined;
  const secretKey = () => (secret ??= importSecret(JWT_SECRET ?? ''));
  const keySet =
    JWT_JWKS_URL === undefined ? undefined : new KeySet(() => fetchKeys(JWT_JWKS_URL), now);
  const bySecret = { key: secretKey, algorithms: ['HS256'] };
  return {
    of(jose, algorithm) {
      if (!keySet || (algorithm === 'HS256' && JWT_SECRET !== undefined)) return bySecret;
      const key: Keys['key'] = (header, token) => keySet.find(jose, header, token);
      return { key, algorithms: PUBLIC_KEY_ALGORITHMS };
    },
    // A secret stays the same.
    current: () => (keySet ? keySet.current : bySecret),
  };
}

function importSecret(secret: string): Promise<CryptoKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return crypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, [
    'verify',
  ]);
}

/**
 * Returns the user of a token that holds; undefined for a name that nobody can have.
 * @param how `tenantClaim` says whose database is meant; undefined where there is one
 */
function userOf(
  { sub, exp, ...claims }: JWTPayload,
  { tenantClaim, now }: { tenantClaim: string | undefined; now: number },
): IdentifiedUser | undefined {
  const expiresAt = (exp ?? 0) * 1000;
  if (sub === undefined || sub === '' || sub.length > LONGEST_NAME || sub.includes('\0'))
    return undefined;
  // The skew is for the beginning alone: a token that has expired has.
  if (expiresAt <= now || !sub.isWellFormed()) return undefined;
  const said = scopesIn(claims['scope'] ?? claims['scopes'] ?? claims['scp']);
  const scopes = SCOPES.filter((scope) => said.includes(scope));
  const named = tenantClaim === undefined ? undefined : claims[tenantClaim];
  const tenant = isTenant(named) ? named : undefined;
  return { kind: 'user', userId: sub, tenant, establishedBy: 'token', scopes, expiresAt };
}

/** Reads scopes as a text with blanks between (RFC 8693 §4.2), or as a list. */
function scopesIn(claim: unknown): unknown[] {
  if (typeof claim === 'string') return claim.split(' ');
  return Array.isArray(claim) ? (claim as unknown[]) : [];
}
