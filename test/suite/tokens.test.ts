/** Signed tokens: which hold, and which do not. The algorithm is decided by the kind of key. */
import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  encode,
  JWT_SECRET,
  signToken,
  startIdentityServer,
  type IdentityServer,
} from './identity.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
const ISSUER = 'https://issuer.example';
const AUDIENCE = 'parley';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const strange = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** The issuer: its public keys, how often they were asked for, and whether it answers. */
const issuer = {
  keys: [] as object[],
  asked: 0,
  isAway: false,
  server: undefined as unknown as Server,
};
let server: IdentityServer;

beforeAll(async () => {
  issuer.keys = [
    // Without `alg`, as many issuers publish theirs.
    { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'rsa', use: 'sig' },
    { ...ec.publicKey.export({ format: 'jwk' }), kid: 'ec', alg: 'ES256' },
    { ...ed.publicKey.export({ format: 'jwk' }), kid: 'ed' },
  ];
  issuer.server = createServer((_, response) => {
    issuer.asked++;
    response.statusCode = issuer.isAway ? 500 : 200;
    response.end(JSON.stringify({ keys: issuer.keys }));
  });
  await new Promise<void>((done) => issuer.server.listen(0, '127.0.0.1', done));
  const { port } = issuer.server.address() as AddressInfo;
  server = await startIdentityServer(runtime, {
    JWT_JWKS_URL: `http://127.0.0.1:${port}/jwks`,
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: AUDIENCE,
  });
}, 150_000);

afterAll(async () => {
  await server.close();
  issuer.server.close();
});

const now = () => Math.floor(Date.now() / 1000);
const claims = (more: object = {}) => ({
  sub: unique('user'),
  iss: ISSUER,
  aud: AUDIENCE,
  exp: now() + 600,
  ...more,
});

interface Header {
  alg: string;
  kid?: string;
  [name: string]: unknown;
}

/** Signs a token by a private key. */
function signed(key: KeyObject, header: Header, payload: object = claims()): string {
  const text = `${encode(header)}.${encode(payload)}`;
  const digest = header.alg === 'EdDSA' ? null : 'sha256';
  const options = { key, dsaEncoding: 'ieee-p1363' } as const;
  return `${text}.${sign(digest, Buffer.from(text), options).toString('base64url')}`;
}

const byRsa = (more: object = {}, header: object = {}) =>
  signed(rsa.privateKey, { alg: 'RS256', kid: 'rsa', ...header }, claims(more));

async function statusOf(token: string): Promise<number> {
  return (await server.call('/models', { as: token })).status;
}

describe('a token that holds', () => {
  it.each<[string, () => string]>([
    ['RS256, by a key without alg', () => byRsa()],
    ['ES256', () => signed(ec.privateKey, { alg: 'ES256', kid: 'ec' })],
    ['EdDSA', () => signed(ed.privateKey, { alg: 'EdDSA', kid: 'ed' })],
    ['HS256, by the secret', () => signToken(claims())],
    ['a list of audiences', () => byRsa({ aud: ['another', AUDIENCE] })],
    ['a beginning in the past', () => byRsa({ nbf: now() - 60 })],
    ['the type of an access token', () => byRsa({}, { typ: 'at+jwt' })],
    ['the type of any token', () => byRsa({}, { typ: 'application/JWT' })],
  ])('%s', async (_, make) => {
    expect(await statusOf(make())).toBe(200);
  });

  it('says whose a conversation is, and by its scope who is an admin', async () => {
    const user = unique('user');
    const says = { json: { message: 'Hello', model: 'offline' } };
    const made = await server.call<{ conversation_id: string }>('/conversations', {
      as: byRsa({ sub: user }),
      ...says,
    });
    const path = `/conversations/${made.json.conversation_id}`;
    expect((await server.call(path, { as: byRsa({ sub: user }) })).json).toMatchObject({
      user_id: user,
    });
    expect((await server.call(path, { as: byRsa() })).status).toBe(404);
    const admin = byRsa({ scope: 'openid admin' });
    expect((await server.call(`${path}?user_id=${user}`, { as: admin })).status).toBe(200);
    expect((await server.call(`${path}?user_id=${user}`, { as: byRsa() })).status).toBe(404);
  });
});

/** HS256 with the text of the public key as its secret: what a careless verifier falls for. */
function confused(): string {
  const secret = rsa.publicKey.export({ format: 'pem', type: 'spki' });
  const text = `${encode({ alg: 'HS256', kid: 'rsa', typ: 'JWT' })}.${encode(claims())}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

function withAlgorithm(alg: string): string {
  return `${encode({ alg, kid: 'rsa' })}.${encode(claims())}.`;
}

describe('a token that does not hold', () => {
  it.each<[string, () => string]>([
    ['alg: none', () => withAlgorithm('none')],
    ['alg: None', () => withAlgorithm('None')],
    ['no signature', () => byRsa().replace(/[^.]+$/u, '')],
    ['RS256 taken for HS256', confused],
    ['HS256 by another secret', () => signToken(claims(), { secret: `${JWT_SECRET}!` })],
    ['HS512 by the secret', () => signToken(claims(), { header: { alg: 'HS512' } })],
    [
      'RS256 signed by the secret’s owner',
      () => signed(strange.privateKey, { alg: 'RS256', kid: 'rsa' }),
    ],
    ['PS256, which nobody asked for', () => byRsa({}, { alg: 'PS256' })],
    ['ES256 with the id of an RSA key', () => signed(ec.privateKey, { alg: 'ES256', kid: 'rsa' })],
    ['an unknown kid', () => byRsa({}, { kid: 'unknown' })],
    ['a critical extension', () => byRsa({}, { crit: ['b64'], b64: true })],
    ['an unknown critical extension', () => byRsa({}, { crit: ['x'], x: 1 })],
    ['the address of a key set', () => byRsa({}, { jku: 'https://evil.example/jwks' })],
    ['the address of a certificate', () => byRsa({}, { x5u: 'https://evil.example/x' })],
    [
      'a key of its own',
      () =>
        signed(strange.privateKey, {
          alg: 'RS256',
          jwk: strange.publicKey.export({ format: 'jwk' }),
        }),
    ],
    ['a certificate of its own', () => byRsa({}, { x5c: ['MIIB'] })],
    ['the proof of one request', () => byRsa({}, { typ: 'dpop+jwt' })],
    ['the token of a logout', () => byRsa({}, { typ: 'logout+jwt' })],
    ['a type that is no text', () => byRsa({}, { typ: 7 })],
    ['a token that is bound to a key', () => byRsa({ cnf: { jkt: 'x' } })],
    ['a payload that is not encoded', () => byRsa({}, { b64: false })],
    ['a payload that is compressed', () => byRsa({}, { zip: 'DEF' })],
    ['padding', () => `${byRsa()}==`],
    ['a kid that is a path', () => byRsa({}, { kid: '../../dev/null' })],
    ['a kid that is no text', () => byRsa({}, { kid: 7 })],
    [
      'HS256 by the key set',
      () => signToken(claims(), { header: { kid: 'ec' }, secret: 'x'.repeat(32) }),
    ],
    ['expired', () => byRsa({ exp: now() - 1 })],
    ['no end', () => byRsa({ exp: undefined })],
    ['an end that is no number', () => byRsa({ exp: 'tomorrow' })],
    ['not yet', () => byRsa({ nbf: now() + 600 })],
    ['another issuer', () => byRsa({ iss: 'https://evil.example' })],
    ['no issuer', () => byRsa({ iss: undefined })],
    ['another audience', () => byRsa({ aud: 'another' })],
    ['a list of other audiences', () => byRsa({ aud: ['one', 'two'] })],
    ['no audience', () => byRsa({ aud: undefined })],
    ['no user', () => byRsa({ sub: undefined })],
    ['an empty user', () => byRsa({ sub: '' })],
    ['a user that is a number', () => byRsa({ sub: 7 })],
    ['a user with a NUL', () => byRsa({ sub: 'a\0b' })],
    ['a very long user', () => byRsa({ sub: 'x'.repeat(201) })],
    ['a payload that is no JSON', () => byRsa().replace(/\.[^.]+\./u, '.bm8.')],
    ['two parts', () => 'a.b'],
    ['five parts', () => 'a.b.c.d.e'],
    ['30 KB', () => byRsa({ padding: 'x'.repeat(20_000) })],
  ])('%s', async (_, make) => {
    const answer = await server.call('/conversations', {
      as: make(),
      json: { message: 'Hello', model: 'offline' },
    });
    expect(answer.json).toMatchObject(aProblem(401, 'unauthenticated'));
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });

  it('1 MB', async () => {
    const token = byRsa({ padding: 'x'.repeat(750_000) });
    // Node itself reads no such headers; a server that has answered may reset the connection.
    const status = await statusOf(token).catch(() => 'closed');
    expect([401, 431, 'closed']).toContain(status);
    expect((await server.call('/health')).status).toBe(200);
  });
});

describe('the keys of the issuer', () => {
  it('are asked for once for many tokens, and for an unknown id hardly more often', async () => {
    const before = issuer.asked;
    const tokens = Array.from({ length: 20 }, (_, number) =>
      byRsa({}, { kid: `made-up-${number}` }),
    );
    const statuses = await Promise.all([...tokens, byRsa(), byRsa()].map(statusOf));
    expect(statuses).toEqual([...tokens.map(() => 401), 200, 200]);
    expect(issuer.asked - before).toBeLessThanOrEqual(1);
  });

  it('go on to be used while the issuer is away', async () => {
    issuer.isAway = true;
    expect(await statusOf(byRsa())).toBe(200);
    issuer.isAway = false;
  });
});
