/** Embedding services that take few texts at once, are busy, compress or err. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { request } from '../support/http.ts';
import { asArray, asRecord, asText } from '../support/json.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startUpstream, type Behaviour, type Script, type Upstream } from '../support/upstream.ts';
import type { DocumentBody } from './documents-client.ts';
import { suiteTarget, unique } from './target.ts';

const { runtime } = suiteTarget();
const EMBEDDER = 'embedder';
const unavailable = { code: 'model_error', detail: 'AI service temporarily unavailable' };

let upstream: Upstream;
let server: TestServer;

beforeAll(async () => {
  upstream = await startUpstream();
  // Embeddings come from another server than the chat, as they do where it has none: Ollama's
  // address is such a base URL, and it asks for no key.
  const { OPENAI_BASE_URL: EMBEDDING_BASE_URL = '', ...others } = upstream.env;
  const chat = { ...others, OPENAI_BASE_URL: 'http://127.0.0.1:9/v1', DEFAULT_MODEL: 'offline' };
  const env = { ...chat, EMBEDDING_BASE_URL, EMBEDDING_MODEL: `openai/${EMBEDDER}` };
  server = await startServer({ runtime, env, startLimitMs: 120_000 });
}, 150_000);

afterAll(async () => {
  await server.close();
  await upstream.close();
});

beforeEach(() => upstream.reset());

const textsIn = (body: unknown) => asArray(asRecord(body)['input']).map(asText);
const sizes = () => upstream.requests.map(({ body }) => textsIn(body).length);

/** A text of so many chunks, each about a comet of its own. */
function chunks(count: number, words = ''): string {
  return Array.from(
    { length: count },
    (_, at) => `## Part ${at}\n\nThe comet number${at} returns. ${words}${'star '.repeat(200)}`,
  ).join('\n\n');
}

async function learn(text: string, script?: Script, user_id = unique('user')) {
  if (script) upstream.script(EMBEDDER, script);
  const started = performance.now();
  const answer = await request<DocumentBody>(`${server.url}/documents`, {
    json: { user_id, text },
  });
  return { ...answer, user_id, ms: performance.now() - started };
}

async function find(user_id: string, query: string): Promise<string> {
  const json = { user_id, query, k: 1, mode: 'vector' };
  const found = await request<{ results: { text: string }[] }>(`${server.url}/retrieve`, { json });
  return found.json.results[0]?.text ?? '';
}

// First, since what is taken at once is remembered.
it('a text that is refused by itself fails its document and shrinks no later call', async () => {
  const refuse: Script = (body) =>
    textsIn(body).some((text) => text.includes('poison')) ? { status: { code: 400 } } : {};
  const spoilt = `${chunks(20)}\n\n${chunks(1, 'poison ')}\n\n${chunks(20)}`;
  expect(await learn(spoilt, refuse)).toMatchObject({ status: 502, json: unavailable });
  expect(sizes().at(-1)).toBe(1);
  upstream.reset();
  expect((await learn(chunks(30))).json).toMatchObject({ status: 'ready' });
  expect(sizes()).toEqual([30]);
});

it('a server of embeddings alone is not told the key of the chat', async () => {
  expect((await learn('The comet returns.')).json).toMatchObject({ status: 'ready' });
  expect(upstream.requests.map(({ keyAccepted }) => keyAccepted)).toEqual([false]);
});

describe('a service that takes few texts at once', () => {
  // Each takes fewer than the one before: what was taken is remembered.
  it.each([
    [400, 20],
    [413, 10],
    [422, 1],
  ])(
    'a service that says %i to more than %i texts is sent fewer, and remembered',
    async (code, most) => {
      const script: Script = (body) => (textsIn(body).length > most ? { status: { code } } : {});
      const learnt = await learn(chunks(30), script);
      expect(learnt.json).toMatchObject({ status: 'ready' });
      const embedded = upstream.requests.filter(({ status }) => status === 200);
      expect(embedded.flatMap(({ body }) => textsIn(body))).toHaveLength(30);
      expect(await find(learnt.user_id, 'The comet number17 returns.')).toContain('number17');

      upstream.requests.length = 0;
      expect((await learn(chunks(30))).json).toMatchObject({ status: 'ready' });
      expect(upstream.requests.map(({ status }) => status)).not.toContain(code);
      expect(Math.max(...sizes())).toBeLessThanOrEqual(most);
    },
  );
});

describe('a busy service', () => {
  const busy = (status: Partial<Behaviour['status']>): Script => [
    { status: { code: 429, ...status } },
    {},
  ];

  it.each([
    ['in seconds', { retryAfter: 1 }, 1_000],
    ['in milliseconds', { headers: { 'retry-after-ms': '700' } }, 700],
    ['in both', { retryAfter: 100, headers: { 'retry-after-ms': '700' } }, 700],
    ['as a date', { retryAfter: new Date(Date.now() + 3_600_000).toUTCString(), code: 503 }, 0],
  ])('a busy service that says %s when to come back', async (_, status, waitMs) => {
    const learnt = await learn('The comet returns.', busy(status));
    if (waitMs === 0) {
      // An hour is longer than anybody waits.
      expect(learnt).toMatchObject({ status: 503, json: { code: 'model_unavailable' } });
      expect(Number(learnt.headers['retry-after'])).toBeGreaterThan(3_000);
    } else {
      expect(learnt.json).toMatchObject({ status: 'ready' });
      expect(learnt.ms).toBeGreaterThanOrEqual(waitMs);
      expect(learnt.ms).toBeLessThan(waitMs + 3_000);
    }
  });

  it('a busy service in the middle of a document is waited for, and nothing is embedded twice', async () => {
    let count = 0;
    const script: Script = () =>
      ++count % 3 === 2 ? { status: { code: 429, headers: { 'retry-after-ms': '50' } } } : {};
    const { json } = await learn(chunks(12), script);
    expect(json).toMatchObject({ status: 'ready', chunk_count: 12 });
    const taken = upstream.requests.filter(({ status }) => status === 200);
    expect(taken.flatMap(({ body }) => textsIn(body))).toHaveLength(12);
    expect(upstream.requests.length).toBeGreaterThan(taken.length);
  });

  it('whose quota is used up is not waited for', async () => {
    const body = JSON.stringify({ error: { message: 'no', code: 'insufficient_quota' } });
    const status = { code: 429, body, contentType: 'application/json' };
    const refused = await learn('The comet returns.', { status });
    expect(refused).toMatchObject({ status: 429, json: { code: 'model_quota_exceeded' } });
    expect(upstream.requests).toHaveLength(1);
  });

  it('a busy service that resets a connection is asked again', async () => {
    const { json } = await learn('The comet returns.', [{ instead: 'reset' }, {}]);
    expect(json).toMatchObject({ status: 'ready' });
    expect(upstream.requests).toHaveLength(2);
  });
});

describe('vectors that can be read', () => {
  const odd: [string, Behaviour][] = [
    ['in base64', { base64: true }],
    ['in base64 and gzip', { base64: true, compressed: 'gzip' }],
    ...(['gzip', 'deflate', 'br'] as const).map((compressed): [string, Behaviour] => [
      `compressed by ${compressed}`,
      { compressed },
    ]),
    ['of another dimension than the usual', { dimensions: 48 }],
  ];
  it.each(odd)('%s are', async (_, script) => {
    const { json, user_id } = await learn(chunks(3), script);
    expect(json).toMatchObject({ status: 'ready', chunk_count: 3 });
    expect(await find(user_id, 'The comet number1 returns.')).toContain('number1');
  });
});

describe('vectors that cannot be used fail the document, and the log says why', () => {
  const odd: [string, Behaviour, string][] = [
    ['zeros', { vector: () => [0, 0, 0] }, 'a vector of zeros'],
    ['not finite', { vector: () => [1e300, 1, 1] }, 'a vector that is not finite'],
    ['too few', { vectorsLeftOut: 1 }, 'vectors for'],
    ['none', { vectorsLeftOut: 99 }, '0 vectors for'],
    ['empty', { vector: () => [] }, 'a text no vector'],
    ['no numbers', { vector: () => [null, 'x'] }, 'status 200'],
    [
      'of two dimensions',
      { vector: (text) => (text.includes('number1') ? [1] : [1, 2]) },
      'dimensions',
    ],
  ];
  it.each(odd)('%s', async (_, script, reason) => {
    const { status, json, user_id } = await learn(chunks(3), script);
    expect({ status, json }).toMatchObject({ status: 502, json: unavailable });
    const list = await request<DocumentBody[]>(`${server.url}/documents?user_id=${user_id}`);
    expect(list.json).toMatchObject([{ status: 'failed', error: unavailable }]);
    await expect.poll(() => server.logs()).toContain(reason);
  });
});
