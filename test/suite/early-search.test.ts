/**
 * The first question of a conversation in `rag` mode is searched for while its turn is claimed. On
 * a server of its own, behind a database whose requests can be held.
 */
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import {
  startDatabaseProxy,
  type DatabaseProxy,
  type DatabaseRequest,
} from '../support/database-proxy.ts';
import { request } from '../support/http.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';
import { startUpstream, type Script, type Upstream } from '../support/upstream.ts';
import { countAround } from './counted-server.ts';
import { sourcesOf } from './rag-client.ts';
import { suiteTarget, unique } from './target.ts';
import { conversation, hear } from './turns.ts';

const { runtime } = suiteTarget();
const QUESTION = 'How often does the valve need oil?';
const VALVE = 'The blue valve closes clockwise and needs oil every month.';

let upstream: Upstream;
let sqld: Sqld;
let database: DatabaseProxy;
let server: TestServer;

const target = {
  call: <Body>(path: string, init?: Parameters<typeof request>[1]) =>
    request<Body>(server.url + path, init),
};

beforeAll(async () => {
  [upstream, sqld] = await Promise.all([startUpstream(), startSqld()]);
  database = await startDatabaseProxy(sqld.url);
  const env = { ...upstream.env, DATABASE_URL: database.url, EMBEDDING_MODEL: 'offline' };
  server = await startServer({ runtime, env, startLimitMs: 120_000 });
}, 150_000);

afterAll(async () => {
  await server.close();
  await Promise.all([database.close(), upstream.close()]);
  await sqld.close();
});

beforeEach(() => database.reset());

function script(behaviour: Script): string {
  const name = unique('model');
  upstream.script(name, behaviour);
  return `openai/${name}`;
}

const callsOf = (model: string) =>
  upstream.requests.filter((each) => `openai/${each.model}` === model);

const has = (text: string) => (each: DatabaseRequest) =>
  each.number > 0 && each.statements.some(({ sql }) => sql.includes(text));
const isClaim = has('INSERT INTO turns');
/** By the statements, or for the texts of what was found in memory. */
const isSearch = (each: DatabaseRequest) =>
  has('vector_distance_cos')(each) || has('"chunks"."id" = asked.value')(each);

async function learn(userId: string, text: string) {
  const learned = await target.call('/documents', { json: { user_id: userId, text } });
  expect(learned.status).toBe(200);
}

async function reader() {
  const userId = unique('reader');
  await learn(userId, VALVE);
  // On Node the library is read into memory beside the first search in it, by requests of its own.
  for (const _ of [1, 2]) {
    const json = { user_id: userId, query: QUESTION };
    expect((await target.call('/retrieve', { json })).status).toBe(200);
  }
  const id = await conversation(target, { user_id: userId, mode: 'rag' });
  database.reset();
  return { userId, id };
}

function ask(id: string, model: string, more: object = {}) {
  const json = { message: QUESTION, model, ...more };
  return openStream(`${server.url}/conversations/${id}/messages`, { json });
}

async function sourcesFrom(stream: Awaited<ReturnType<typeof ask>>): Promise<string[]> {
  const { end } = await hear(stream);
  expect(end).toMatchObject({ message: { status: 'complete' } });
  return sourcesOf(stream.events).map(({ snippet }) => snippet);
}

const came = (fits: (each: DatabaseRequest) => boolean) =>
  vi.waitFor(() => expect(database.log.some(fits)).toBe(true), { timeout: 20_000 });

it.each(['a conversation that was made', 'one that the question begins'])(
  'is searched for before the claim is answered: in %s',
  async (which) => {
    const { userId, id } = await reader();
    const begins = which.startsWith('one');
    const model = script({
      headersDelayMs: 60,
      delayMs: { between: 60 },
      tokens: ['Oil ', '[1].'],
    });
    const release = database.hold(isClaim);
    const json = { user_id: userId, message: QUESTION, model, mode: 'rag', stream: true };
    const asking = begins ? openStream(`${server.url}/conversations`, { json }) : ask(id, model);
    await came(isClaim);
    await came(isSearch);
    release();
    expect(await sourcesFrom(await asking)).toEqual([VALVE]);
    const { before, after } = countAround(callsOf(model)[0]?.at ?? 0, database.log);
    expect({ before, after }).toEqual({ before: 2, after: 1 });
  },
);

it('is not searched for in the documents of another than it names', async () => {
  const { id } = await reader();
  const model = script({ text: 'Nothing.' });
  const stranger = unique('stranger');
  await learn(stranger, VALVE);
  database.reset();
  expect((await ask(id, model, { user_id: stranger })).status).toBe(404);
  expect(database.log.some(isSearch)).toBe(false);
  expect(callsOf(model)).toEqual([]);
});

it('is searched for again where that has failed', async () => {
  const { id } = await reader();
  let failures = 0;
  database.fail((each) => isSearch(each) && failures++ === 0, 'readonly');
  expect(await sourcesFrom(await ask(id, script({ text: 'Oil [1].' })))).toEqual([VALVE]);
  expect(failures).toBeGreaterThan(1);
});

it('is searched for again where another turn came first, which may have taken a while', async () => {
  const { userId, id } = await reader();
  let claims = 0;
  const release = database.hold((each) => isClaim(each) && claims++ === 0);
  const queued = ask(id, script({ text: 'Oil [1] [2].' }), { on_busy: 'queue' });
  await came(isClaim);
  await came(isSearch);
  const held = database.log.find(isClaim)?.number;
  const other = await ask(id, script({ instead: 'hang' }));
  const turnId = String(other.headers['x-turn-id']);
  release();
  await came((each) => isClaim(each) && each.duration !== undefined && each.number === held);
  const pump = 'The valve of the red pump needs oil each week.';
  await learn(userId, pump);
  await target.call(`/turns/${turnId}/cancel`, { method: 'POST' });
  expect((await sourcesFrom(await queued)).toSorted()).toEqual([VALVE, pump].toSorted());
});
