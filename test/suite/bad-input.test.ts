/** What is wrong is refused with a problem that says so, and changes nothing. */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { RequestInit } from '../support/http.ts';
import { anId, aProblem } from './shapes.ts';
import { suiteTarget, unique } from './target.ts';

const target = suiteTarget();

interface Fixture {
  user_id: string;
  /** A conversation of the user's with one turn in it. */
  id: string;
  turnId: string;
}

async function fixture(): Promise<Fixture> {
  const user_id = unique('user');
  const { json, headers } = await target.call<{ conversation_id: string }>('/conversations', {
    json: { user_id, message: 'the first message' },
  });
  return { user_id, id: json.conversation_id, turnId: String(headers['x-turn-id']) };
}

/** Everything of a user that the API shows. */
async function everythingOf({ user_id, id }: Fixture): Promise<unknown> {
  const [list, whole] = await Promise.all([
    target.call(`/conversations?user_id=${user_id}`),
    target.call(`/conversations/${id}`),
  ]);
  return { list: list.json, whole: whole.json };
}

async function fixtureAsItIs() {
  const found = await fixture();
  return { found, before: await everythingOf(found) };
}

/** The same for all tests, since none may change it. */
let untouched: ReturnType<typeof fixtureAsItIs> | undefined;

/** Runs a test on a user's data and makes sure that it changed nothing. */
async function unchanged(test: (found: Fixture) => Promise<void>): Promise<void> {
  untouched ??= fixtureAsItIs();
  const { found, before } = await untouched;
  await test(found);
  const after = await everythingOf(found);
  // What one test has spoiled fails no other.
  if (!isDeepStrictEqual(after, before)) untouched = undefined;
  expect(after).toEqual(before);
}

/** Sends what must be refused with this problem. */
async function refused(path: string, init: RequestInit, [status, code]: [number, string]) {
  const answer = await target.call<{ errors?: { path: string; message: string }[] }>(path, init);
  expect(answer.json, answer.text.slice(0, 500)).toMatchObject(aProblem(status, code));
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/problem+json');
  expect(answer.json).toMatchObject({ instance: answer.headers['x-request-id'] });
  return answer.json;
}

/** Every call that takes a body, with a sound one. */
const calls: [
  string,
  (f: Fixture) => { method?: string; path: string; body: Record<string, unknown> },
][] = [
  [
    'POST /conversations',
    (f) => ({ path: '/conversations', body: { user_id: f.user_id, message: 'hi' } }),
  ],
  [
    'PATCH /conversations/{id}',
    (f) => ({ method: 'PATCH', path: `/conversations/${f.id}`, body: { title: 'New' } }),
  ],
  [
    'POST /conversations/{id}/messages',
    (f) => ({ path: `/conversations/${f.id}/messages`, body: { message: 'hi' } }),
  ],
  [
    'POST /conversations/start',
    (f) => ({ path: '/conversations/start', body: { user_id: f.user_id, message: 'hi' } }),
  ],
  [
    'POST /conversations/{id}/message',
    (f) => ({ path: `/conversations/${f.id}/message`, body: { message: 'hi' } }),
  ],
  ['POST /chats', (f) => ({ path: '/chats', body: { user_id: f.user_id } })],
  [
    'PATCH /chats/{id}',
    (f) => ({ method: 'PATCH', path: `/chats/${f.id}`, body: { title: 'New' } }),
  ],
  [
    'POST /chat',
    (f) => ({ path: '/chat', body: { chat_id: f.id, user_id: f.user_id, message: 'hi' } }),
  ],
  [
    'POST /chat/conversations',
    (f) => ({ path: '/chat/conversations', body: { user_id: f.user_id } }),
  ],
  [
    'POST /chat/conversations/{id}/messages',
    (f) => ({ path: `/chat/conversations/${f.id}/messages`, body: { content: 'hi' } }),
  ],
];

const invalid: [number, string] = [400, 'invalid_request'];
const asJson = { 'content-type': 'application/json' };
const limit = 1_600_000;

describe.each(calls)('%s refuses', (_, make) => {
  it.each([
    ['malformed JSON', '{"user_id": "x", '],
    ['a word', 'hello'],
    ['nothing', ''],
    ['an array', '[]'],
    ['null', 'null'],
    ['a string', '"hello"'],
    ['a number', '7'],
    ['bytes that are no UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22])],
    ['two values', '{} {}'],
  ])('%s', (_name, rawBody) =>
    unchanged(async (found) => {
      const { method = 'POST', path } = make(found);
      await refused(path, { method, rawBody, headers: asJson }, invalid);
    }),
  );

  it('a sound body under another type', () =>
    unchanged(async (found) => {
      const { method = 'POST', path, body } = make(found);
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
        'application/xml',
        'application/json-seq',
        'application/jsonl',
      ]) {
        const init = { method, rawBody: JSON.stringify(body), headers: { 'content-type': type } };
        await refused(path, init, [415, 'unsupported_media_type']);
      }
    }));

  it.each([
    ['with its length', (text: string) => text],
    ['in pieces, without a length', (text: string) => text.match(/[^]{1,65536}/gu) ?? []],
  ])('a body over the limit %s', (_name, cut) =>
    unchanged(async (found) => {
      const { method = 'POST', path, body } = make(found);
      const text = JSON.stringify({ ...body, padding: 'x'.repeat(limit) });
      const init = { method, rawBody: cut(text), headers: asJson };
      await refused(path, init, [413, 'payload_too_large']);
    }),
  );

  it.each(['role', 'id', 'created_at', 'status', 'sequence_number', 'tokens_used'])(
    'the field %s, which the server sets',
    (field) =>
      unchanged(async (found) => {
        const { method = 'POST', path, body } = make(found);
        const json = { ...body, [field]: 'system' };
        const { errors } = await refused(path, { method, json }, invalid);
        expect(errors).toMatchObject([{ path: field }]);
      }),
  );

  it('a sound body of no type', () =>
    unchanged(async (found) => {
      const { method = 'POST', path, body } = make(found);
      const init = { method, rawBody: JSON.stringify(body) };
      await refused(path, init, [415, 'unsupported_media_type']);
    }));

  it('each field of a wrong type', () =>
    unchanged(async (found) => {
      const { method = 'POST', path, body } = make(found);
      for (const field of Object.keys(body)) {
        for (const wrong of [null, true, 1.5, [], {}, ['x'], { text: 'x' }, '']) {
          const json = { ...body, [field]: wrong };
          const { errors } = await refused(path, { method, json }, invalid);
          expect(errors?.map((error) => error.path)).toContain(field);
        }
      }
    }));

  it('a NUL in any text', () =>
    unchanged(async (found) => {
      const { method = 'POST', path, body } = make(found);
      for (const field of Object.keys(body).filter((name) => name !== 'chat_id')) {
        const json = { ...body, [field]: 'a\0b' };
        const { errors } = await refused(path, { method, json }, invalid);
        expect(errors).toMatchObject([{ path: field }]);
      }
    }));
});

const documents: typeof calls = [
  ['POST /documents', (f) => ({ path: '/documents', body: { user_id: f.user_id, text: 'hi' } })],
  ['POST /retrieve', (f) => ({ path: '/retrieve', body: { user_id: f.user_id, query: 'hi' } })],
];

describe.each([...calls, ...documents])('%s takes', (_, make) => {
  it.each([
    'application/json;charset=UTF-8',
    'application/json ; charset=utf-8',
    'application/json\t;charset="utf-8"',
    'application/vnd.api2+json',
    'Application/VND.Api2+JSON ; profile=x',
  ])('a body of the type %s', async (type) => {
    const { method = 'POST', path, body } = make(await fixture());
    const headers = { 'content-type': type };
    const answer = await target.call(path, { method, rawBody: JSON.stringify(body), headers });
    expect(answer.status, answer.text).toBe(200);
  });

  it('such a body in pieces, too, and reads it', async () => {
    const { method = 'POST', path } = make(await fixture());
    const headers = { 'content-type': 'application/json ; charset=utf-8' };
    await refused(path, { method, rawBody: ['{"user', '_id": '], headers }, invalid);
  });
});

const asking = calls.filter(([name]) => /message|start|POST \/chat$/u.test(name));

describe.each(asking)('%s refuses', (_, make) => {
  const withoutText = (body: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(body).filter(([name]) => name !== 'message' && name !== 'content'),
    );

  it('a body without a message', () =>
    unchanged(async (found) => {
      const { path, body } = make(found);
      const { errors } = await refused(path, { json: withoutText(body) }, invalid);
      expect(errors).toMatchObject([{ path: 'message' }]);
    }));

  it.each([
    ['empty', ''],
    ['blank', ' \n\t '],
    ['too long', 'x'.repeat(limit - 300)],
    ['a number', 7],
  ])('a message that is %s', (_name, message) =>
    unchanged(async (found) => {
      const { path, body } = make(found);
      await refused(path, { json: { ...withoutText(body), message } }, invalid);
    }),
  );

  it.each(['nobody', 'nobody/knows', 'openai/', '/', 'groq', 'constructor', '__proto__'])(
    'the model %s, and names those that are on',
    (model) =>
      unchanged(async (found) => {
        const { path, body } = make(found);
        const answer = await refused(path, { json: { ...body, model } }, [400, 'unknown_model']);
        expect(JSON.stringify(answer)).toMatch(/fast.*smart.*offline.*groq.*openai.*google/u);
      }),
  );

  it.each([
    ['stream', 'yes'],
    ['on_busy', 'wait'],
    ['on_disconnect', 'whatever'],
    ['model', 7],
  ])('%s: %s', (field, value) =>
    unchanged(async (found) => {
      const { path, body } = make(found);
      const { errors } = await refused(path, { json: { ...body, [field]: value } }, invalid);
      expect(errors).toMatchObject([{ path: field }]);
    }),
  );

  it('no lone surrogates: they become U+FFFD', async () => {
    const found = await fixture();
    const { path, body } = make(found);
    const text = JSON.stringify({ ...withoutText(body), message: 'TEXT' });
    const rawBody = text.replace('TEXT', String.raw`\ud800 a \udc00\ud83d\ude00 b\ud83d`);
    const answer = await target.call(path, { rawBody, headers: asJson });
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('You said: \uFFFD a \uFFFD😀 b\uFFFD');
    const turn = await target.call<{ conversation_id: string }>(
      `/turns/${String(answer.headers['x-turn-id'])}`,
    );
    const stored = await target.call(`/conversations/${turn.json.conversation_id}/messages`);
    expect(stored.text).toContain('"content":"\uFFFD a \uFFFD😀 b\uFFFD"');
  });
});

describe('a stream by GET refuses', () => {
  it.each(['/conversations', '/chat/conversations'])('what is wrong at %s', (path) =>
    unchanged(async (found) => {
      const address = `${path}/${found.id}/stream`;
      for (const query of [
        '',
        'message=',
        'message=%20',
        'message=a%00b',
        'message=hi&on_busy=x',
        'message=hi&on_disconnect=x',
        `message=hi&idempotency_key=${'k'.repeat(300)}`,
      ])
        await refused(`${address}?${query}`, {}, invalid);
      await refused(`${address}?message=hi&model=nobody`, {}, [400, 'unknown_model']);
      await refused(`${address}?message=hi&last_event_id=garbled!`, {}, [400, 'invalid_cursor']);
      const headers = { 'last-event-id': 'garbled!' };
      await refused(`${address}?message=hi`, { headers }, [400, 'invalid_cursor']);
    }),
  );
});

describe('a reconnect to a stream by GET', () => {
  const paths = ['/conversations', '/chat/conversations'];

  /** The last cursor of a conversation's second turn: no other conversation here has as many. */
  async function foreignCursor(): Promise<string> {
    const { id } = await fixture();
    const json = { message: 'the second message' };
    const { events } = await (
      await target.stream(`/conversations/${id}/messages`, { json: { ...json, stream: true } })
    ).collect();
    return events.findLast(({ hasOwnId }) => hasOwnId)?.id ?? '';
  }

  it.each(paths)('is refused with a cursor that is of no turn there: %s', (path) =>
    unchanged(async ({ id }) => {
      const address = `${path}/${id}/stream?message=hi`;
      for (const cursor of ['garbage', 'AAAA1.0', 'AAAA2.0', 'AAAA3.-', await foreignCursor()]) {
        const headers = { 'last-event-id': cursor };
        await refused(address, { headers }, [400, 'invalid_cursor']);
        await refused(`${address}&last_event_id=${cursor}`, {}, [400, 'invalid_cursor']);
      }
    }),
  );

  it.each(paths)('finds no conversation that is not there for the caller: %s', (path) =>
    unchanged(async ({ id }) => {
      const missing: [number, string] = [404, 'not_found'];
      const headers = { 'last-event-id': 'AAAA1.0' };
      await refused(`${path}/unknown/stream?message=hi`, { headers }, missing);
      await refused(`${path}/${id}/stream?message=hi&user_id=stranger`, { headers }, missing);
    }),
  );
});

/** Every call that names something, with a sound rest. */
const naming: [string, (f: Fixture) => { method: string; path: string; json?: object }][] = [
  ['GET /conversations/{id}', ({ id }) => ({ method: 'GET', path: `/conversations/${id}` })],
  [
    'PATCH /conversations/{id}',
    ({ id }) => ({ method: 'PATCH', path: `/conversations/${id}`, json: { title: 'New' } }),
  ],
  ['DELETE /conversations/{id}', ({ id }) => ({ method: 'DELETE', path: `/conversations/${id}` })],
  [
    'POST /conversations/{id}/messages',
    ({ id }) => ({
      method: 'POST',
      path: `/conversations/${id}/messages`,
      json: { message: 'hi' },
    }),
  ],
  [
    'GET /conversations/{id}/messages',
    ({ id }) => ({ method: 'GET', path: `/conversations/${id}/messages` }),
  ],
  [
    'GET /conversations/{id}/stream',
    ({ id }) => ({ method: 'GET', path: `/conversations/${id}/stream?message=hi` }),
  ],
  [
    'POST /conversations/{id}/message',
    ({ id }) => ({ method: 'POST', path: `/conversations/${id}/message`, json: { message: 'hi' } }),
  ],
  ['GET /chats/{id}', ({ id }) => ({ method: 'GET', path: `/chats/${id}` })],
  ['GET /chats/{id}/messages', ({ id }) => ({ method: 'GET', path: `/chats/${id}/messages` })],
  [
    'PATCH /chats/{id}',
    ({ id }) => ({ method: 'PATCH', path: `/chats/${id}`, json: { title: 'New' } }),
  ],
  ['DELETE /chats/{id}', ({ id }) => ({ method: 'DELETE', path: `/chats/${id}` })],
  [
    'POST /chat',
    ({ id }) => ({ method: 'POST', path: '/chat', json: { chat_id: id, message: 'hi' } }),
  ],
  [
    'GET /chat/conversations/{id}',
    ({ id }) => ({ method: 'GET', path: `/chat/conversations/${id}` }),
  ],
  [
    'DELETE /chat/conversations/{id}',
    ({ id }) => ({ method: 'DELETE', path: `/chat/conversations/${id}` }),
  ],
  [
    'POST /chat/conversations/{id}/messages',
    ({ id }) => ({
      method: 'POST',
      path: `/chat/conversations/${id}/messages`,
      json: { content: 'hi' },
    }),
  ],
  [
    'GET /chat/conversations/{id}/messages',
    ({ id }) => ({ method: 'GET', path: `/chat/conversations/${id}/messages` }),
  ],
  [
    'GET /chat/conversations/{id}/stream',
    ({ id }) => ({ method: 'GET', path: `/chat/conversations/${id}/stream?message=hi` }),
  ],
  ['GET /turns/{id}', ({ turnId }) => ({ method: 'GET', path: `/turns/${turnId}` })],
  ['GET /turns/{id}/events', ({ turnId }) => ({ method: 'GET', path: `/turns/${turnId}/events` })],
  [
    'POST /turns/{id}/cancel',
    ({ turnId }) => ({ method: 'POST', path: `/turns/${turnId}/cancel` }),
  ],
];

describe.each(naming)('%s', (_, make) => {
  const missing: [number, string] = [404, 'not_found'];

  it.each([
    ['a sound id', '01932f3e-7c1a-7000-8000-000000000000'],
    ['any word', 'does-not-exist'],
    ['SQL', "x'%20OR%20'1'='1"],
    ['dots', '%2e%2e%2f%2e%2e%2fetc'],
    ['a NUL', 'a%00b'],
    ['a broken escape', '%E0%A4%A'],
    ['half a surrogate pair', '%ED%A0%80'],
  ])('knows nothing of %s that it never gave out', async (_name, id) => {
    const found = await fixture();
    const { method, path, json } = make({ ...found, id, turnId: id });
    const answer = await target.call(path, { method, json });
    expect([400, 404], answer.text).toContain(answer.status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json).toMatchObject({
      code: answer.status === 404 ? 'not_found' : 'invalid_request',
    });
  });

  it("hides somebody else's, in the query and in the body", () =>
    unchanged(async (found) => {
      const { method, path, json } = make(found);
      const stranger = unique('stranger');
      if (path !== '/chat') {
        const query = `${path}${path.includes('?') ? '&' : '?'}user_id=${stranger}`;
        await refused(query, { method, json }, missing);
      }
      if (json) await refused(path, { method, json: { ...json, user_id: stranger } }, missing);
    }));

  it('serves its owner and whoever knows the id', async () => {
    const found = await fixture();
    const { method, path, json } = make(found);
    const known = await target.call(path, { method, json });
    expect(known.status, known.text).toBe(200);
    const again = await fixture();
    const mine = make(again);
    const query = `${mine.path}${mine.path.includes('?') ? '&' : '?'}user_id=${again.user_id}`;
    expect((await target.call(query, { method, json: mine.json })).status).toBe(200);
  });
});

describe.each([
  ['DELETE', ({ id }: Fixture) => `/conversations/${id}`],
  ['POST', ({ turnId }: Fixture) => `/turns/${turnId}/cancel`],
] as const)('%s, which needs no body,', (method, pathOf) => {
  it('refuses one that is said to be JSON and is none', () =>
    unchanged(async (found) => {
      const init = { method, rawBody: '{"user_id": "x', headers: asJson };
      await refused(pathOf(found), init, invalid);
    }));

  it('takes none for none, whatever type it is said to have', async () => {
    const path = pathOf(await fixture());
    const answer = await target.call(path, { method, rawBody: '', headers: asJson });
    expect(answer.status, answer.text).toBe(200);
  });
});

describe('what does not exist', () => {
  it.each([
    '/nothing',
    '/conversations/a/b/c',
    '/chat/x',
    '/..%2f',
    '//',
    '/%',
    '/assets/../package.json',
    '/assets/none.js',
  ])('GET %s', async (path) => {
    const answer = await target.call(path);
    expect([200, 404]).toContain(answer.status);
    if (path === '//') return;
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json).toMatchObject({ ...aProblem(404, 'not_found'), instance: anId });
  });

  it.each(['PUT', 'PATCH', 'DELETE', 'POST'])('%s on a list or a page', async (method) => {
    const answer = await target.call('/health', { method });
    expect([404, 405]).toContain(answer.status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });
});

describe.concurrent('half a surrogate pair in what is named', () => {
  const half = 'half-\uD83D';

  it.each([
    ['/chat', { chat_id: half, message: 'hi' }],
    ['/documents', { text: 'hi', conversation_id: half }],
    ['/documents', { text: 'hi', document_id: half }],
    ['/retrieve', { query: 'hi', conversation_id: half }],
  ])('finds nothing at %s %o', async (path, body) => {
    const json = { user_id: unique('user'), ...body };
    await refused(path, { json }, [404, 'not_found']);
  });

  it.each([
    ['/retrieve', { query: 'hi', document_ids: [half] }],
    ['/retrieve', { query: 'hi', metadata: { [half]: half } }],
    ['/documents', { text: 'hi', url: `https://example.test/${half}` }],
  ])('is made well-formed at %s %o', async (path, body) => {
    const { status } = await target.call(path, { json: { user_id: unique('user'), ...body } });
    expect(status).toBe(200);
  });
});

describe.concurrent('metadata', () => {
  it.each([
    ['/documents', { text: 'hi', metadata: { 'a\0b': 1 } }],
    ['/documents', { text: 'hi', metadata: { a: { b: ['x\0'] } } }],
    ['/retrieve', { query: 'hi', metadata: { 'a\0b': 'x' } }],
    ['/retrieve', { query: 'hi', metadata: { a: 'x\0' } }],
    ['/retrieve', { query: 'hi', metadata: { a: ['x', 'x\0'] } }],
  ])('hold no NUL: %s %o', async (path, body) => {
    await refused(path, { json: { user_id: unique('user'), ...body } }, invalid);
  });

  it('hold no half of a surrogate pair, and are found by what was sent', async () => {
    const user_id = unique('user');
    const metadata = { 'k\uD83D': 'v\uDE00', deep: [{ '\uD800': 'x' }] };
    const made = await target.call<{ metadata: object }>('/documents', {
      json: { user_id, text: 'A kiwi', metadata },
    });
    expect(made.json.metadata).toEqual({ 'k\uFFFD': 'v\uFFFD', deep: [{ '\uFFFD': 'x' }] });
    const found = await target.call<{ results: unknown[] }>('/retrieve', {
      json: { user_id, query: 'kiwi', metadata: { 'k\uD83D': 'v\uDE00' } },
    });
    expect(found.json.results).toHaveLength(1);
  });
});

describe.concurrent('metadata that are nested', () => {
  it.each([30, 2_000, 100_000])('%i deep are refused', async (depth) => {
    const metadata = `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    const rawBody = `{"user_id":"${unique('user')}","text":"hi","metadata":${metadata}}`;
    await refused('/documents', { rawBody, headers: asJson }, invalid);
  });
});
