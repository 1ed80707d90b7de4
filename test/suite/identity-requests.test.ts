/**
 * Identity, limits and telemetry cost no request to the database: a credential is confirmed, and
 * what it may use is reserved, in the batch that accepts the turn. What was never given out is
 * refused without asking, and what is another's is asked for as what is not there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDatabaseProxy, type DatabaseProxy } from '../support/database-proxy.ts';
import { idOfKey } from '../support/keys.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.ts';
import { startSqld, type Sqld } from '../support/sqld.ts';
import { openWebSocket } from '../support/websocket.ts';
import { countAround } from './counted-server.ts';
import { bearer, signToken, startIdentityServer, type IdentityServer } from './identity.ts';
import { suiteTarget, unique } from './target.ts';
import { streamingCalls } from './turns.ts';

const { runtime } = suiteTarget();
let sqld: Sqld;
let database: DatabaseProxy;
let collector: OtlpReceiver;
let server: IdentityServer;

beforeAll(async () => {
  sqld = await startSqld();
  database = await startDatabaseProxy(sqld.url);
  collector = await startOtlpReceiver();
  server = await startIdentityServer(runtime, {
    DATABASE_URL: database.url,
    EMBEDDING_MODEL: 'offline',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    LIMIT_TOKENS_PER_MONTH: '1000000',
  });
  const model = script();
  await server.call('/conversations', { as: server.admin, json: { message: 'Hi', model } });
}, 150_000);

afterAll(async () => {
  await server.close();
  await database.close();
  await sqld.close();
  await collector.close();
});

/** Slow enough to tell before from after. */
function script(): string {
  const name = unique('model');
  const delayMs = { between: 60 };
  server.upstream.script(name, { tokens: ['One ', 'two'], headersDelayMs: 60, delayMs });
  return `openai/${name}`;
}

/** Counts the requests to the database before and after the model was asked. */
function counted(model: string) {
  const [asked] = server.upstream.requests.filter((one) => `openai/${one.model}` === model);
  const { before, after } = countAround(asked?.at ?? 0, database.log);
  return { before, after };
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

it('a ticket starts the turn that the database had not taken, or not told of', async () => {
  const as = await server.key({ user: unique('user') });
  const id = await conversationOf(as);
  const { json } = await server.call<{ ticket: string }>('/tickets', { as, json: {} });
  const path = `/conversations/${id}/stream?message=Hi&model=offline&ticket=${json.ticket}`;
  for (const how of ['refuse', 'cut-after'] as const) {
    database.reset();
    const isClaim = ({ sql }: { sql: string }) => sql.includes('INSERT INTO turns');
    database.fail(({ statements }) => statements.some(isClaim), how);
    expect((await server.call(path)).status).toBe(503);
  }
  database.reset();
  for (const _ of ['begins', 'is read again'])
    expect((await server.call(path)).text).toContain('turn.completed');
  const messages = await server.call<object[]>(`/conversations/${id}/messages`, { as });
  expect(messages.json).toHaveLength(2);
});

it('one before and one after where an admin has set limits for the user and for the key', async () => {
  const user = unique('user');
  const key = await server.key({ user });
  const json = { tokens_per_day: 90_000, cost_per_month: null, streams: 5, turns_at_once: 5 };
  for (const path of [`/users/${user}/limits`, `/keys/${idOfKey(key)}/limits`])
    expect((await server.call(path, { method: 'PUT', as: server.admin, json })).status).toBe(200);
  for (const message of ['Hi', 'Hi again']) {
    const model = script();
    const init = { json: { message, model }, headers: bearer(key) };
    expect(await countTurn('/conversations', init, model)).toEqual({ before: 1, after: 1 });
  }
});

it('searches for nobody whose key it has not confirmed', async () => {
  const user = unique('user');
  const [as, revoked] = [await server.key({ user }), await server.key({ user })];
  const learned = { as, json: { text: 'The valve needs oil each month.' } };
  expect((await server.call('/documents', learned)).status).toBe(200);
  const gone = `/keys/${idOfKey(revoked)}`;
  expect((await server.call(gone, { method: 'DELETE', as: server.admin })).status).toBe(200);
  const json = { message: 'When does the valve need oil?', mode: 'rag', model: 'offline' };
  database.reset();
  expect((await server.call('/conversations', { as: revoked, json })).status).toBe(401);
  const answered = await server.call('/conversations', { as, json });
  expect(answered).toMatchObject({ status: 200, json: { sources: [{ n: 1 }] } });
  const isSearch = /vector_distance_cos|"chunks"."id" = asked/u;
  const searches = database.log.filter(({ statements }) =>
    statements.some(({ sql }) => isSearch.test(sql)),
  );
  expect(searches).toHaveLength(1);
});

it('following a turn asks with the turn how many streams there may be', async () => {
  const as = await server.key({ user: unique('user') });
  const json = { message: 'Hi', model: 'offline' };
  const made = await server.call('/conversations', { as, json });
  database.reset();
  const stream = await server.stream(`/turns/${String(made.headers['x-turn-id'])}/events`, { as });
  expect(stream.status).toBe(200);
  await stream.collect();
  // On Workers the object of the conversation reads the turn by itself.
  const requests = runtime === 'node' ? 1 : 2;
  expect(database.log.filter(({ number }) => number > 0)).toHaveLength(requests);
});

it('a ticket opens the socket that the database had refused, with two requests about it', async () => {
  const user = unique('user');
  const as = await server.key({ user });
  const { json } = await server.call<{ ticket: string }>('/tickets', { as, json: {} });
  const url = `${server.server.url}/ws/${user}?ticket=${json.ticket}`;
  const isAbout = (name: string) => (request: { statements: { sql: string }[] }) =>
    request.statements.some(({ sql }) => sql.includes(name));
  database.reset();
  database.fail(isAbout('"parent_id"'), 'refuse');
  await expect(openWebSocket(url)).rejects.toThrow(/503/u);
  database.reset();
  const socket = await openWebSocket(url);
  await socket.next('connection');
  // Nothing is asked once it is bound, since that could fail.
  expect(database.log.filter(isAbout('credentials'))).toHaveLength(2);
  socket.close();
});

it('asks the same of the database for what is another’s and for what is not there', async () => {
  const [as, other] = [
    await server.key({ user: unique('user') }),
    await server.key({ user: unique('other') }),
  ];
  const json = { message: 'Hi', model: 'offline' };
  const made = await server.call<{ conversation_id: string }>('/conversations', { as, json });
  const conversation = made.json.conversation_id;
  const turn = String(made.headers['x-turn-id']);
  const path = `/conversations/${conversation}/messages`;
  const [message] = (await server.call<{ id: string }[]>(path, { as })).json;
  const document = await server.call<{ document_id: string }>('/documents', {
    ...{ as, json: { text: 'The valve is blue.' } },
  });
  const rows: [method: string, before: string, id: string, after: string, json?: object][] = [
    ['GET', '/conversations/', conversation, ''],
    ['GET', '/conversations/', conversation, '/messages'],
    ['PATCH', '/conversations/', conversation, '', { title: 'Mine' }],
    ['DELETE', '/conversations/', conversation, ''],
    ['POST', '/conversations/', conversation, '/messages', json],
    ['GET', '/turns/', turn, ''],
    ['GET', '/turns/', turn, '/events'],
    ['POST', '/turns/', turn, '/cancel'],
    ['POST', '/messages/', message?.id ?? '', '/regenerate', {}],
    ['DELETE', '/messages/', message?.id ?? '', ''],
    ['GET', '/documents/', document.json.document_id, ''],
    ['DELETE', '/documents/', document.json.document_id, ''],
    ['DELETE', '/keys/', idOfKey(as), ''],
  ];
  const asked = async ([method, before, id, after, body]: (typeof rows)[number], named: string) => {
    database.reset();
    const answer = await server.call(before + named + after, { as: other, method, json: body });
    expect([403, 404], `${method} ${before}${id}${after}`).toContain(answer.status);
    return database.log.flatMap(({ statements }) => statements.map(({ sql }) => sql));
  };
  for (const row of rows) {
    const [method, before, id, after] = row;
    const unknown = id.slice(0, -4) + (id.endsWith('abcd') ? 'dcba' : 'abcd');
    expect(await asked(row, id), `${method} ${before}${after}`).toEqual(await asked(row, unknown));
  }
  expect((await server.call(path, { as })).status).toBe(200);
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
