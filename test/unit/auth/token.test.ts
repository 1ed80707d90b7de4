/** How long a token that was verified is believed: by a clock and keys that the test sets. */
import * as jose from 'jose';
import { beforeEach, expect, it } from 'vitest';
import { createTokenVerifier } from '../../../src/auth/token.ts';

const MINUTE = 60_000;
const ISSUER = 'https://issuer.example';
const SECRET = 'a secret that is long enough to sign by';

let time: number;
let verified: number;
let published: jose.JWK[];
let signer: CryptoKey;

beforeEach(async () => {
  [time, verified] = [Date.now(), 0];
  const pair = await jose.generateKeyPair('ES256', { extractable: true });
  signer = pair.privateKey;
  published = [{ ...(await jose.exportJWK(pair.publicKey)), kid: 'first' }];
});

function createVerifier(settings: { JWT_SECRET?: string; JWT_JWKS_URL?: string }) {
  return createTokenVerifier(
    { DATABASE_URL: 'file:x.db', JWT_ISSUER: ISSUER, JWT_TENANT_CLAIM: 'tenant', ...settings },
    {
      now: () => time,
      fetchKeys: () => Promise.resolve({ keys: published }),
      loadJose: () => Promise.resolve({ ...jose, jwtVerify }),
    },
  );
}

/** Counts, and verifies. */
const jwtVerify = ((...args: Parameters<typeof jose.jwtVerify>) => {
  verified++;
  return jose.jwtVerify(...args);
}) as typeof jose.jwtVerify;

function sign(key: CryptoKey | Uint8Array, header: jose.JWTHeaderParameters): Promise<string> {
  const expiresAt = new Date(time + 30 * MINUTE);
  const token = new jose.SignJWT({ sub: 'ann' }).setIssuer(ISSUER).setExpirationTime(expiresAt);
  return token.setProtectedHeader(header).sign(key);
}

const byIssuer = () => createVerifier({ JWT_JWKS_URL: `${ISSUER}/jwks` });
const signed = () => sign(signer, { alg: 'ES256', kid: 'first' });

it('verifies a token once while the keys are the same', async () => {
  const [verify, token] = [byIssuer(), await signed()];
  // The first one is verified before the keys are known.
  for (let request = 0; request < 5; request++)
    expect(await verify(token)).toMatchObject({ userId: 'ann' });
  expect(verified).toBe(2);
  time += 11 * MINUTE;
  await verify(token);
  expect(verified).toBe(3);
});

it('verifies a token by a secret once', async () => {
  const verify = createVerifier({ JWT_SECRET: SECRET });
  const token = await sign(new TextEncoder().encode(SECRET), { alg: 'HS256' });
  for (let request = 0; request < 5; request++)
    expect(await verify(token)).toMatchObject({ userId: 'ann' });
  expect(verified).toBe(1);
});

it('believes no token whose key is gone', async () => {
  const [verify, token] = [byIssuer(), await signed()];
  for (let request = 0; request < 3; request++) await verify(token);
  published = [];
  time += 11 * MINUTE;
  expect(await verify(token)).toBeUndefined();
  expect(await verify(token)).toBeUndefined();
});

it('believes no token after its end', async () => {
  const verify = createVerifier({ JWT_SECRET: SECRET });
  const token = await sign(new TextEncoder().encode(SECRET), { alg: 'HS256' });
  expect(await verify(token)).toBeDefined();
  time += 30 * MINUTE - 1_001;
  expect(await verify(token)).toBeDefined();
  time += 1_001;
  expect(await verify(token)).toBeUndefined();
});

it('tells similar tokens apart', async () => {
  const [verify, token] = [byIssuer(), await signed()];
  for (let request = 0; request < 3; request++) await verify(token);
  // The last characters may have bits that count for nothing.
  const changed = token.at(-10) === 'A' ? 'B' : 'A';
  expect(await verify(token.slice(0, -10) + changed + token.slice(-9))).toBeUndefined();
});
