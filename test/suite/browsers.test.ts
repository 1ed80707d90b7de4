/**
 * Who may call from a browser: without identity, pages from elsewhere are all that must be kept
 * out.
 */
import { describe, expect, it } from 'vitest';
import { aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();
const { port } = new URL(target.url);

const friends = ['http://localhost', 'http://localhost:5173', 'https://127.0.0.1:8443', target.url];
const strangers = [
  'https://elsewhere.example',
  'http://localhost.elsewhere.example',
  'http://127.0.0.1.elsewhere.example',
  'http://elsewhere.example:8787',
  'null',
  'file://',
  'garbage',
];

interface Made {
  id: string;
}

const foreign: Record<string, string>[] = [
  ...strangers.map((origin) => ({ origin })),
  { 'sec-fetch-site': 'cross-site' },
  { origin: 'https://elsewhere.example', 'sec-fetch-site': 'cross-site' },
  { origin: 'https://elsewhere.example', 'sec-fetch-site': 'same-site' },
];
/** Browsers that send no Origin, and programs that are none. */
const withoutOrigin: Record<string, string>[] = [
  {},
  { 'sec-fetch-site': 'same-origin' },
  { 'sec-fetch-site': 'none' },
];

/** Everything that starts or changes something, on a new conversation. */
const changes: [
  string,
  (id: string, user: string) => { method: string; path: string; json?: object },
][] = [
  ['POST', (_, user_id) => ({ method: 'POST', path: '/conversations', json: { user_id } })],
  [
    'POST of a turn',
    (id) => ({ method: 'POST', path: `/conversations/${id}/messages`, json: { message: 'hi' } }),
  ],
  ['PATCH', (id) => ({ method: 'PATCH', path: `/chats/${id}`, json: { title: 'theirs' } })],
  ['DELETE', (id) => ({ method: 'DELETE', path: `/chat/conversations/${id}` })],
  [
    'the GET of a native stream',
    (id) => ({ method: 'GET', path: `/conversations/${id}/stream?message=hi` }),
  ],
  [
    'the GET of a text stream',
    (id) => ({ method: 'GET', path: `/chat/conversations/${id}/stream?message=hi` }),
  ],
];

describe.each(changes)('%s', (_, make) => {
  async function attempt(headers: Record<string, string>) {
    const user_id = unique('user');
    const { json } = await target.call<Made>('/chats', { json: { user_id } });
    const { path, ...init } = make(json.id, user_id);
    const answer = await target.call(path, { ...init, headers });
    const list = await target.call(`/chats?user_id=${user_id}`);
    return { answer, list: list.json, untouched: [{ id: json.id, title: null, message_count: 0 }] };
  }

  it.each(foreign)('is refused with %o', async (headers) => {
    const { answer, list, untouched } = await attempt(headers);
    expect(answer.status).toBe(403);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json).toMatchObject(aProblem(403, 'forbidden_origin'));
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    expect(list).toMatchObject(untouched);
    expect(list).toHaveLength(1);
  });

  it.each(friends)('is allowed to %s', async (origin) => {
    const { answer } = await attempt({ origin, 'sec-fetch-site': 'same-site' });
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBe(origin);
    expect(String(answer.headers['access-control-expose-headers'])).toMatch(
      /X-Request-Id.*X-Turn-Id/u,
    );
  });

  it.each(withoutOrigin)('is allowed without an Origin and %o', async (headers) => {
    expect((await attempt(headers)).answer.status).toBe(200);
  });
});

describe('a preflight', () => {
  const ask = (origin: string, method = 'PATCH') =>
    target.call('/conversations/some-id', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'content-type, idempotency-key, last-event-id',
      },
    });

  it.each(friends)('tells %s what it may do', async (origin) => {
    const { status, headers } = await ask(origin);
    expect(status).toBe(204);
    expect(headers['access-control-allow-origin']).toBe(origin);
    expect(String(headers['access-control-allow-methods'])).toMatch(/PATCH/u);
    expect(String(headers['access-control-allow-headers']).toLowerCase()).toMatch(
      /content-type.*idempotency-key.*last-event-id/u,
    );
    expect(String(headers.vary).toLowerCase()).toContain('origin');
  });

  it.each(strangers)('allows %s nothing', async (origin) => {
    const { headers } = await ask(origin);
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });
});

describe('a read', () => {
  it('gives a page from elsewhere nothing to read', async () => {
    const answer = await target.call('/models', {
      headers: { origin: 'https://elsewhere.example' },
    });
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('gives a local page what it asks for', async () => {
    const origin = 'http://localhost:3000';
    const answer = await target.call('/models', { headers: { origin } });
    expect(answer.headers['access-control-allow-origin']).toBe(origin);
    expect(String(answer.headers.vary).toLowerCase()).toContain('origin');
  });
});

describe('a WebSocket', () => {
  it.each(strangers)('is refused to a page of %s', async (origin) => {
    const user = unique('user');
    await expect(target.socket(`/ws/${user}`, { origin })).rejects.toThrow('unexpected status 403');
    const { json } = await target.call(`/ws/users/${user}/status`);
    expect(json).toMatchObject({ active_connections: 0 });
  });

  it.each(friends)('is open to a page of %s', async (origin) => {
    const socket = await target.socket(`/ws/${unique('user')}`, { origin });
    await socket.next('connection');
    socket.close();
  });

  it('is refused under a Host from elsewhere', async () => {
    const headers = { host: 'rebound.example' };
    await expect(target.socket(`/ws/${unique('user')}`, { headers })).rejects.toThrow(
      'unexpected status 403',
    );
  });
});

describe('a Host', () => {
  it.each([
    'rebound.example',
    `rebound.example:${port}`,
    '192.168.1.7',
    '127.0.0.1.nip.example',
    '0.0.0.0',
  ])('a Host that is not loopback (%s) is refused on reads and changes', async (host) => {
    const user_id = unique('user');
    const answers = await Promise.all([
      target.call(`/conversations?user_id=${user_id}`, { headers: { host } }),
      target.call('/health', { headers: { host } }),
      target.call('/conversations', { json: { user_id }, headers: { host } }),
      target.call('/conversations', {
        json: { user_id },
        headers: { host, origin: `http://${host}` },
      }),
    ]);
    for (const answer of answers) {
      expect(answer.status).toBe(403);
      expect(answer.json).toMatchObject(aProblem(403, 'forbidden_host'));
    }
    expect((await target.call(`/conversations?user_id=${user_id}`)).json).toEqual([]);
  });

  it.each([
    `localhost:${port}`,
    'localhost',
    `127.0.0.1:${port}`,
    `[::1]:${port}`,
    `app.localhost:${port}`,
  ])('a Host that is loopback (%s) is served', async (host) => {
    expect((await target.call('/health', { headers: { host } })).status).toBe(200);
  });
});
