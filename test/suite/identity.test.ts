/** Who is calling: API keys and sessions, and whom they act for. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idOfKey, runKeys } from '../support/keys.ts';
import { signToken, startIdentityServer, type IdentityServer } from './identity.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
let server: IdentityServer;
beforeAll(async () => {
  server = await startIdentityServer(runtime, { CORS_ORIGINS: 'https://page.example,*' });
}, 150_000);
afterAll(() => server.close());

const says = { json: { message: 'Hello', model: 'offline' } };

interface Begun {
  conversation_id: string;
  turn_id: string;
}

interface Key {
  key_id: string;
  key: string;
  user_id: string;
}

const unauthenticated = aProblem(401, 'unauthenticated');

async function begin(as: string): Promise<Begun> {
  const made = await server.call<Begun>('/conversations', { as, ...says });
  expect(made.status, made.text).toBe(200);
  return made.json;
}

async function conversationsOf(as: string): Promise<{ user_id: string }[]> {
  return (await server.call<{ user_id: string }[]>('/conversations', { as })).json;
}

describe('a key', () => {
  it('says whose a conversation is, in either header', async () => {
    const user = unique('user');
    const key = await server.key({ user });
    const { conversation_id: id } = await begin(key);
    const list = await server.call('/conversations', { headers: { 'x-api-key': key } });
    expect(list.json).toMatchObject([{ user_id: user }]);
    const other = await server.key({ user: unique('other') });
    expect((await server.call(`/conversations/${id}`, { as: other })).json).toMatchObject(
      aProblem(404, 'not_found'),
    );
  });

  it('starts nothing once it is revoked', async () => {
    const user = unique('user');
    const key = await server.key({ user });
    const { conversation_id: id } = await begin(key);
    const { output } = await runKeys(server.server.databaseUrl, ['revoke', idOfKey(key)]);
    expect(output).toContain('revoked');
    const path = `/conversations/${id}/messages`;
    for (const tried of [path, '/conversations']) {
      const answer = await server.call(tried, { as: key, ...says });
      expect(answer.json).toMatchObject(unauthenticated);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
    const again = await server.key({ user });
    expect((await server.call(path, { as: again })).json).toHaveLength(2);
    expect(await conversationsOf(again)).toHaveLength(1);
  });

  it('learns nothing of what is in the way once it is revoked', async () => {
    const user = unique('user');
    const [key, other] = [await server.key({ user }), await server.key({ user })];
    const { conversation_id: id } = await begin(key);
    const path = `/conversations/${id}/messages`;
    const once = { ...says, headers: { 'idempotency-key': unique('once') } };
    expect((await server.call(path, { as: key, ...once })).status).toBe(200);
    await runKeys(server.server.databaseUrl, ['revoke', idOfKey(key)]);
    const model = unique('model');
    server.upstream.script(model, { tokens: ['One ', 'two'], delayMs: { between: 2_000 } });
    const slow = { message: 'Wait', model: `openai/${model}`, stream: true };
    const running = await server.stream(path, { as: other, json: slow });
    expect(running.status).toBe(200);
    for (const tried of [says, once])
      expect((await server.call(path, { as: key, ...tried })).json).toMatchObject(unauthenticated);
    expect((await server.call(path, { as: other, ...says })).status).toBe(409);
    await running.collect();
  });

  it('holds until it expires, and not longer', async () => {
    const admin = await server.key({ user: unique('admin'), scope: 'admin' });
    const expires = Date.now() + 3_000;
    const made = await server.call<Key>('/keys', {
      as: admin,
      json: { user_id: unique('user'), expires_at: new Date(expires).toISOString() },
    });
    expect((await server.call('/models', { as: made.json.key })).status).toBe(200);
    await expect
      .poll(async () => (await server.call('/models', { as: made.json.key })).status, {
        timeout: 20_000,
      })
      .toBe(401);
    expect(Date.now()).toBeGreaterThanOrEqual(expires);
  });

  it('a key of a user who was revoked holds no more', async () => {
    const user = unique('user');
    const keys = [await server.key({ user }), await server.key({ user })];
    await runKeys(server.server.databaseUrl, ['revoke', '--user', user]);
    for (const key of keys)
      expect((await server.call('/conversations', { as: key })).json).toMatchObject(
        unauthenticated,
      );
  });

  it('is kept as a hash alone', async () => {
    const user = unique('user');
    const made = await server.call<Key>('/keys', { as: await server.key({ user }), json: {} });
    const list = await server.call('/keys', { as: made.json.key });
    expect(list.text).toContain(made.json.key_id);
    expect(list.text).not.toContain(made.json.key.slice(-20));
    expect(server.server.logs()).not.toContain(made.json.key.slice(20, 60));
  });
});

describe('the routes of keys', () => {
  it('give out, list and revoke one’s own', async () => {
    const user = unique('user');
    const first = await server.key({ user });
    const made = await server.call<Key>('/keys', { as: first, json: { name: 'laptop' } });
    expect(made.json).toMatchObject({
      user_id: user,
      name: 'laptop',
      scopes: [],
      expires_at: null,
    });
    expect(made.headers['location']).toBe(`/keys/${made.json.key_id}`);
    const list = await server.call<Key[]>('/keys', { as: made.json.key });
    expect(list.json.map(({ key_id }) => key_id).toSorted()).toEqual(
      [made.json.key_id, idOfKey(first)].toSorted(),
    );
    const path = `/keys/${made.json.key_id}`;
    expect((await server.call(path, { as: first, method: 'DELETE' })).status).toBe(200);
    expect((await server.call(path, { as: first, method: 'DELETE' })).status).toBe(404);
    expect((await server.call('/models', { as: made.json.key })).json).toMatchObject(
      unauthenticated,
    );
  });

  it('go through the list page by page', async () => {
    const key = await server.key({ user: unique('user') });
    for (const name of ['a', 'b']) await server.call('/keys', { as: key, json: { name } });
    const seen: (string | null)[] = [];
    for (let next = '/keys?limit=2'; next !== '';) {
      const page = await server.call<{ name: string | null }[]>(next, { as: key });
      seen.push(...page.json.map(({ name }) => name));
      next = /<(.+)>/u.exec(String(page.headers['link'] ?? ''))?.[1] ?? '';
    }
    expect(seen).toEqual(['b', 'a', null]);
  });

  it('refuse what the caller may not give', async () => {
    const key = await server.key({ user: unique('user') });
    const other = await server.key({ user: unique('other') });
    const scopes = { as: key, json: { scopes: ['admin'] } };
    expect((await server.call('/keys', scopes)).json).toMatchObject(aProblem(403, 'forbidden'));
    const forOther = { as: key, json: { user_id: 'somebody' } };
    expect((await server.call('/keys', forOther)).json).toMatchObject(aProblem(404, 'not_found'));
    const revoke = { as: key, method: 'DELETE' };
    expect((await server.call(`/keys/${idOfKey(other)}`, revoke)).json).toMatchObject(
      aProblem(404, 'not_found'),
    );
    const past = { as: key, json: { expires_at: '2020-01-01T00:00:00Z' } };
    expect((await server.call('/keys', past)).json).toMatchObject(aProblem(400, 'invalid_request'));
    expect((await server.call('/models', { as: other })).status).toBe(200);
  });
});

describe('an admin', () => {
  it('acts for any user whom it names, and for itself otherwise', async () => {
    const admin = await server.key({ user: unique('admin'), scope: 'admin' });
    const user = unique('user');
    const key = await server.key({ user });
    const { conversation_id: id } = await begin(key);
    expect((await server.call(`/conversations/${id}`, { as: admin })).status).toBe(404);
    const named = await server.call(`/conversations/${id}?user_id=${user}`, { as: admin });
    expect(named.json).toMatchObject({ user_id: user });
    const said = { as: admin, json: { user_id: user, message: 'Hi', model: 'offline' } };
    const answered = await server.call(`/conversations/${id}/messages`, said);
    expect(answered.status, answered.text).toBe(200);
    expect(await conversationsOf(admin)).toEqual([]);
  });

  it('gives out and revokes keys of anybody', async () => {
    const admin = await server.key({ user: unique('admin'), scope: 'admin' });
    const user = unique('user');
    const made = await server.call<Key>('/keys', { as: admin, json: { user_id: user } });
    expect(made.json.user_id).toBe(user);
    const list = await server.call<Key[]>(`/keys?user_id=${user}`, { as: admin });
    expect(list.json).toMatchObject([{ key_id: made.json.key_id }]);
    const revoked = { as: admin, method: 'DELETE' };
    expect((await server.call(`/keys/${made.json.key_id}`, revoked)).status).toBe(200);
  });
});

describe('a user whom the request names', () => {
  it('must be the credential’s', async () => {
    const user = unique('user');
    const key = await server.key({ user });
    const own = await server.call(`/conversations?user_id=${user}`, { as: key });
    expect(own.json).toEqual([]);
    for (const path of ['/conversations?user_id=other', `/conversations?user_id=${user}&user_id=b`])
      expect((await server.call(path, { as: key })).json).toMatchObject(aProblem(404, 'not_found'));
    const inBody = { as: key, json: { user_id: 'other', message: 'Hi', model: 'offline' } };
    expect((await server.call('/conversations', inBody)).json).toMatchObject(
      aProblem(404, 'not_found'),
    );
    expect(await conversationsOf(key)).toEqual([]);
  });
});

describe('a session', () => {
  const cookieOf = (headers: object) =>
    String((headers as Record<string, unknown>)['set-cookie']).split(';')[0] ?? '';

  it('is a cookie that no script reads and no other site sends, until it is ended', async () => {
    const user = unique('user');
    const key = await server.key({ user });
    const begun = await server.call('/session', { as: key, method: 'POST' });
    const cookie = cookieOf(begun.headers);
    const [whole = ''] = begun.headers['set-cookie'] ?? [];
    expect(whole).toMatch(/; HttpOnly/iu);
    expect(whole).toMatch(/; SameSite=Strict/iu);
    expect(whole).not.toMatch(/; Secure/iu);
    expect(cookie).not.toContain(key);
    const list = await server.call('/conversations', {
      headers: { cookie },
      ...says,
      method: 'POST',
    });
    expect(list.status).toBe(200);
    expect(await conversationsOf(key)).toHaveLength(1);
    const ended = await server.call('/session', { headers: { cookie }, method: 'DELETE' });
    expect(ended.status).toBe(200);
    const after = await server.call('/conversations', { headers: { cookie } });
    expect(after.json).toMatchObject(unauthenticated);
  });

  it('ends with the key that it was got for', async () => {
    const key = await server.key({ user: unique('user') });
    const begun = await server.call('/session', { as: key, method: 'POST' });
    const headers = { cookie: cookieOf(begun.headers) };
    expect((await server.call('/models', { headers })).status).toBe(200);
    await runKeys(server.server.databaseUrl, ['revoke', idOfKey(key)]);
    expect((await server.call('/models', { headers })).json).toMatchObject(unauthenticated);
  });

  it('is sent by TLS alone where TLS is spoken', async () => {
    const key = await server.key({ user: unique('user') });
    const headers = { 'x-forwarded-proto': 'https' };
    const begun = await server.call('/session', { as: key, method: 'POST', headers });
    expect(String(begun.headers['set-cookie'])).toMatch(/; Secure/iu);
    expect(begun.headers['strict-transport-security']).toMatch(/max-age=\d+/u);
  });

  it('starts nothing for a page of another site', async () => {
    const key = await server.key({ user: unique('user') });
    const cookie = cookieOf((await server.call('/session', { as: key, method: 'POST' })).headers);
    const headers = { cookie, 'sec-fetch-site': 'cross-site' };
    const answer = await server.call('/conversations', { headers, ...says });
    expect(answer.json).toMatchObject(aProblem(403, 'forbidden_origin'));
    expect(await conversationsOf(key)).toEqual([]);
  });
});

describe('credentials go to a browser', () => {
  it.each([
    ['https://page.example', 'true'],
    ['https://another.example', undefined],
  ])('credentials of a page of %s go to a browser: %s', async (origin, allowed) => {
    for (const method of ['GET', 'OPTIONS']) {
      const headers = { origin, 'access-control-request-method': 'POST' };
      const answer = await server.call('/health', { method, headers });
      expect(answer.headers['access-control-allow-origin']).toBe(origin);
      expect(answer.headers['access-control-allow-credentials']).toBe(allowed);
    }
  });
});

describe('whoever has no credential', () => {
  it('is let in where nothing is anybody’s', async () => {
    for (const path of ['/', '/health', '/ready', '/docs', '/redoc', '/openapi.json'])
      expect((await server.call(path)).status, path).toBe(200);
    expect((await server.call('/assets/docs.css')).status).toBe(200);
  });

  it('reads in the description which credentials a route takes', async () => {
    const { json } = await server.call<{
      security: object[];
      paths: Record<string, Record<string, { security?: object[]; responses: object }>>;
    }>('/openapi.json');
    expect(json.security).toEqual([{ bearerAuth: [] }, { apiKey: [] }, { session: [] }]);
    expect(json.paths['/health']?.['get']?.security).toEqual([]);
    expect(json.paths['/health']?.['get']?.responses).not.toHaveProperty('401');
    expect(json.paths['/models']?.['get']?.responses).toHaveProperty('401');
    expect(json.paths['/turns/{id}/events']?.['get']?.security).toContainEqual({ ticket: [] });
  });
});

describe('what is no credential that holds', () => {
  let key = '';
  let forged = '';
  beforeAll(async () => {
    key = await server.key({ user: unique('user') });
    // Another id, as if nobody had noticed that the checksum does not fit.
    forged = `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`;
  });

  const refusals: [string, () => Record<string, string> | [string, string][]][] = [
    ['nothing at all', () => ({})],
    ['an empty credential', () => ({ authorization: 'Bearer ' })],
    ['another scheme', () => ({ authorization: `Basic ${Buffer.from('a:b').toString('base64')}` })],
    ['a key without a scheme', () => ({ authorization: key })],
    ['a key with a wrong checksum', () => ({ authorization: `Bearer ${forged}` })],
    ['words', () => ({ 'x-api-key': 'let me in' })],
    ['a very long text', () => ({ 'x-api-key': `parley_${'x'.repeat(20_000)}` })],
    ['a key as a session', () => ({ cookie: `parley_session=${key}` })],
    ['two different keys', () => ({ authorization: `Bearer ${key}`, 'x-api-key': forged })],
    [
      'a key and a token',
      () => ({ authorization: `Bearer ${signToken({ sub: 'a' })}`, 'x-api-key': key }),
    ],
    [
      'a key and a session',
      () => ({ authorization: `Bearer ${key}`, cookie: 'parley_session=another' }),
    ],
  ];

  it.each(refusals)('%s', async (_, headersOf) => {
    const headers = Object.fromEntries(Object.entries(headersOf()));
    const answer = await server.call('/conversations', { headers, ...says });
    expect(answer.json).toMatchObject(unauthenticated);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });

  it('is one credential when it is the same in both headers', async () => {
    const headers = { authorization: `Bearer ${key}`, 'x-api-key': key };
    expect((await server.call('/models', { headers })).status).toBe(200);
  });

  it.each(['api_key', 'access_token', 'token', 'key'])(
    'a credential in an address is refused, and not repeated: %s',
    async (name) => {
      const answer = await server.call(`/conversations?${name}=${key}`);
      expect(answer.json).toMatchObject(aProblem(400, 'invalid_request'));
      expect(answer.text).not.toContain(key);
    },
  );
});
