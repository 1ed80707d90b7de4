/**
 * Identity costs no request to the database: a credential is confirmed in the batch that accepts
 * the turn, and what was never given out is refused without asking.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';
import { bearer, signToken, startIdentityServer, type IdentityServer } from './identity.ts';
import { suiteTarget, unique } from './target.ts';
import { streamingCalls } from './turns.ts';

const { runtime } = suiteTarget();
let sqld: Sqld;
let database: DatabaseProxy;
let server: IdentityServer;

beforeAll(async () => {
  sqld = await startSqld();
  database = await startDatabaseProxy(sqld.url);
  server = await startIdentityServer(runtime, { DATABASE_URL: database.url });
  const model = script();
  await server.call('/conversations', { as: server.admin, json: { message: 'Hi', model } });
}, 150_000);

afterAll(async () => {
  await server.close();
  await database.close();
  await sqld.close();
});

/** Slow enough to tell before from after, and quicker than a checkpoint. */
function script(): string {
  const name = unique('model');
  const delayMs = { between: 60 };
  server.upstream.script(name, { tokens: ['One ', 'two'], headersDelayMs: 60, delayMs });
  return `openai/${name}`;
}

/** Counts the requests to the database before and after the model was asked. */
function counted(model: string) {
  const [asked] = server.upstream.requests.filter((one) => `openai/${one.model}` === model);
  const at = asked?.at ?? 0;
  const posts = database.log.filter(({ number }) => number > 0);
  const before = posts.filter((post) => post.at <= at).length;
  return { before, after: posts.length - before };
}

async function countTurn(path: string, init: object, model: string) {
  database.reset();
  const stream = await server.stream(path, init);
  expect(stream.status).toBe(200);
  await stream.collect();
  // Nothing may follow either.
  await sleep(100);
  return counted(model);
}

async function conversationOf(as: string): Promise<string> {
  return (await server.call<{ id: string }>('/chats', { as, json: {} })).json.id;
}

it.each(streamingCalls)('$name with a key: one before, one after', async ({ begins, call }) => {
  const model = script();
  const conversationId = begins ? '' : await conversationOf(server.admin);
  const { path, init } = call({ conversationId, model, message: 'Hi' });
  const headers = { ...init.headers, ...bearer(server.admin) };
  expect(await countTurn(path, { ...init, headers }, model)).toEqual({ before: 1, after: 1 });
});

it('the same with a token, a session and a ticket', async () => {
  const token = signToken({ sub: unique('user') });
  const begun = await server.call('/session', { as: server.admin, method: 'POST' });
  const cookie = String(begun.headers['set-cookie']).split(';')[0] ?? '';
  for (const headers of [bearer(token), { cookie }]) {
    const model = script();
    const init = { json: { message: 'Hi', model }, headers };
    expect(await countTurn('/conversations', init, model)).toEqual({ before: 1, after: 1 });
  }
  const as = server.admin;
  const made = await server.call<{ ticket: string }>('/tickets', { as, json: {} });
  const model = script();
  const path = `/conversations/${await conversationOf(as)}/stream`;
  const query = `?message=Hi&model=${model}&ticket=${made.json.ticket}`;
  expect(await countTurn(path + query, {}, model)).toEqual({ before: 1, after: 1 });
});

it('a reading confirms the key in its own request', async () => {
  database.reset();
  for (const path of ['/conversations', '/chats'])
    expect((await server.call(path, { as: server.admin })).status).toBe(200);
  expect(database.log.filter(({ number }) => number > 0)).toHaveLength(2);
});

it('garbage is refused without a request', async () => {
  const forged = `${server.admin.slice(0, -7)}0000000`;
  database.reset();
  for (const as of [undefined, 'words', forged, signToken({ sub: 'a', exp: 1 })])
    expect((await server.call('/conversations', { as })).status).toBe(401);
  expect(database.log).toEqual([]);
});
