/**
 * A database for each tenant: a credential says whose it is, everything of a request is in that one
 * alone, and users of two tenants who are called alike are strangers.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mintCredential } from '../../src/auth/credential.ts';
import { request, type RequestInit } from '../support/http.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.ts';
import { OwnServers } from '../support/own-servers.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { openStream } from '../support/sse.ts';
import { startTenantDatabases, type TenantDatabases } from '../support/tenant-databases.ts';
import { openWebSocket } from '../support/websocket.ts';
import { bearer, JWT_SECRET, signToken } from './identity.ts';
import {
  expectFrameFindsNothing,
  expectNothingThere,
  NAMING_FRAMES,
  newOwner,
  ProtectedRoutes,
  said,
  SECRET_TEXT,
  stateOf,
  unknownOf,
  type CallAs,
  type Owner,
} from './isolation-walk.ts';
import { aProblem } from './shapes.ts';
import { suiteTarget } from './target.ts';

const { runtime } = suiteTarget();
const own = new OwnServers();
let databases: TenantDatabases;
let server: TestServer;
let collector: OtlpReceiver;

beforeAll(async () => {
  collector = own.add(await startOtlpReceiver());
  const telling = {
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
    OTEL_BSP_SCHEDULE_DELAY: '200',
  };
  databases = own.add(
    await startTenantDatabases(['acme', 'globex', 'hooli', 'initech', 'umbrella']),
  );
  const DATABASE_URL = databases.url;
  // No sweep while requests are counted; limits, since they have counters of their own.
  const counted = { TURN_LEASE_MS: '120000', LIMIT_STREAMS: '1', LIMIT_TOKENS_PER_DAY: '100000' };
  const env = {
    AUTH: 'keys,jwt',
    JWT_SECRET,
    DEFAULT_MODEL: 'offline',
    DATABASE_URL,
    ...counted,
    ...telling,
  };
  server = own.add(await startServer({ runtime, env }));
}, 150_000);
afterAll(() => own.close());

/** A token of a tenant; every user is called alice. */
function tokenOf(tenant: unknown, claims: object = {}): string {
  return signToken({ sub: 'alice', tenant, ...claims });
}

function call<Body = unknown>(path: string, as: string | undefined, init: RequestInit = {}) {
  return request<Body>(server.url + path, { ...init, headers: bearer(as) });
}

/** Asks something, and reads the answer to its end. */
async function ask(as: string, message = 'Hi') {
  const headers = bearer(as);
  const stream = await openStream(`${server.url}/conversations`, { headers, json: { message } });
  expect(stream.status).toBe(200);
  const { events } = await stream.collect();
  expect(events.at(-1)?.type).toBe('done');
  const [id, turnId] = ['x-conversation-id', 'x-turn-id'].map((name) => stream.headers[name]);
  return { id: String(id), turnId: String(turnId) };
}

/** A key of a tenant's user, given out over HTTP. */
async function keyOf(tenant: string): Promise<string> {
  const admin = tokenOf(tenant, { scope: 'admin' });
  return (await call<{ key: string }>('/keys', admin, { json: {} })).json.key;
}

it('keeps what users of two tenants have apart, though they are called alike', async () => {
  const [here, there] = [await keyOf('acme'), await keyOf('globex')];
  const { id, turnId } = await ask(here);
  const document = { title: 'Wombats', text: 'A wombat digs a burrow under the gum tree.' };
  expect((await call('/documents', here, { json: document })).status).toBe(200);
  const search = { json: { query: 'Where does the wombat dig its burrow?' } };
  expect(await foundBy(here, search)).toBe(1);
  expect(await foundBy(there, search)).toBe(0);
  for (const path of [`/conversations/${id}`, `/turns/${turnId}/events`])
    expect((await call(path, there)).json).toMatchObject(aProblem(404, 'not_found'));
  expect((await call('/conversations', there)).json).toEqual([]);
  expect((await call('/conversations', tokenOf('acme'))).json).toMatchObject([{ id }]);
});

describe('another tenant', () => {
  // An admin, who may do all there is in its own tenant, and is called as the owner is.
  const user = 'the-owner';
  const stranger = () => tokenOf('globex', { sub: user, scope: 'admin' });
  const callAs: CallAs = (path, { as, headers = {}, ...init } = {}) =>
    request(server.url + path, { ...init, headers: { ...bearer(as), ...headers } });
  let owner: Owner;

  it('is answered as if the things of a tenant were not there, at every route', async () => {
    const token = tokenOf('acme', { sub: user });
    const { key } = (await call<{ key: string }>('/keys', token, { json: {} })).json;
    owner = await newOwner(callAs, { user, key });
    const routes = await ProtectedRoutes.of(callAs);
    await expectNothingThere({ call: callAs, routes, owner, as: stranger() });
  });

  it('finds nothing of a tenant by the frames of a socket', async () => {
    const before = await stateOf(callAs, owner);
    const socket = await openWebSocket(`${server.url}/ws/${user}`, { headers: bearer(stranger()) });
    await socket.next('connection');
    for (const [, frame] of NAMING_FRAMES) await expectFrameFindsNothing(socket, frame, owner);
    socket.close();
    expect(await stateOf(callAs, owner)).toEqual(before);
  });

  it('is given nothing for cursors and idempotency keys of a tenant', async () => {
    const as = stranger();
    for (const path of ['/conversations', '/documents', '/files', '/keys']) {
      const kind = path.slice(1, -1);
      const page = await call(`${path}?cursor=${owner.ids[kind]}`, as);
      const unknown = await call(`${path}?cursor=${unknownOf(owner.ids[kind] ?? '')}`, as);
      expect(said(page, ''), path).toBe(said(unknown, ''));
    }
    const json = { message: SECRET_TEXT, model: 'offline' };
    const headers = { ...bearer(as), 'idempotency-key': 'the-owners' };
    const made = await request(`${server.url}/conversations`, { json, headers });
    expect(made.status).toBe(200);
    expect(made.text).not.toContain(owner.ids['conversation']);
  });
});

async function foundBy(as: string, search: RequestInit): Promise<number> {
  return (await call<{ results: unknown[] }>('/retrieve', as, search)).json.results.length;
}

it('asks the database of the tenant alone: once before a turn, and once when it ends', async () => {
  const as = await keyOf('acme');
  await ask(as);
  databases.asked.length = 0;
  await ask(as);
  expect(databases.asked).toEqual(['acme', 'acme']);
});

it('opens and migrates an empty database once, however many come at the same time', async () => {
  const made = await Promise.all(
    ['a', 'b', 'c'].map((word) => ask(tokenOf('initech', { sub: word }))),
  );
  expect(new Set(made.map(({ id }) => id)).size).toBe(3);
});

it('refuses a name that is none, and asks no database for it', async () => {
  const names = [
    'Acme',
    'acme.evil.example',
    '../acme',
    'acme/',
    'acme@x',
    '-acme',
    '',
    'a'.repeat(49),
  ];
  databases.asked.length = 0;
  const answers = await Promise.all(
    [...names, undefined, ['acme'], 7].map((name) => call('/conversations', tokenOf(name))),
  );
  for (const { json } of answers) expect(json).toMatchObject(aProblem(401, 'unauthenticated'));
  expect((await call('/conversations', undefined)).json).toMatchObject(
    aProblem(401, 'unauthenticated'),
  );
  expect(databases.asked).toEqual([]);
});

it('takes a key in the database that gave it out alone', async () => {
  const grant = { userId: 'alice', scopes: [] };
  const refused = aProblem(401, 'unauthenticated');
  for (const tenant of ['acme', undefined]) {
    const forged = mintCredential('key', { ...grant, tenant }).text;
    expect((await call('/conversations', forged)).json).toMatchObject(refused);
  }
  const aboutNowhere = await call('/conversations', tokenOf('nowhere'));
  expect(aboutNowhere.json).toMatchObject(aProblem(403, 'forbidden'));
});

describe('a database that its server says is not there', () => {
  it('is asked again, since it may be for a moment', async () => {
    databases.missing.set('hooli', 3);
    expect((await call('/conversations', tokenOf('hooli'))).json).toEqual([]);
  });

  it('refuses no key and no token of a tenant that was seen as wrong', async () => {
    const [key, token] = [await keyOf('globex'), tokenOf('globex')];
    for (const as of [key, token]) expect((await call('/conversations', as)).status).toBe(200);
    databases.missing.set('globex', Infinity);
    const made = mintCredential('key', { userId: 'alice', scopes: [], tenant: 'nowhere' }).text;
    expect((await call('/conversations', made)).json).toMatchObject(
      aProblem(401, 'unauthenticated'),
    );
    for (const answer of await Promise.all([key, token].map((as) => call('/conversations', as)))) {
      expect(answer.json).toMatchObject(aProblem(503, 'database_unavailable'));
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    databases.missing.delete('globex');
    for (const as of [key, token]) expect((await call('/conversations', as)).status).toBe(200);
  });
});

it('gives out sessions and tickets that open the same database', async () => {
  const as = await keyOf('umbrella');
  const begun = await call('/session', as, { method: 'POST' });
  const cookie = String(begun.headers['set-cookie']).split(';')[0] ?? '';
  const listed = await request(`${server.url}/conversations`, { headers: { cookie } });
  expect(listed.json).toEqual([]);
  const ticket = (await call<{ ticket: string }>('/tickets', as, { json: {} })).json.ticket;
  const socket = await openWebSocket(`${server.url}/ws/alice?ticket=${ticket}`);
  socket.send({ message: 'Hi' });
  const { conversation_id } = await socket.next('message_complete');
  expect((await call('/conversations', as)).json).toMatchObject([{ id: conversation_id }]);
  socket.close();
  await socket.closed;
});

it('tells that a turn is part of its request', async () => {
  const { turnId } = await ask(await keyOf('initech'));
  const turn = () =>
    collector.spans().find(({ attributes }) => attributes['parley.turn.id'] === turnId);
  await expect.poll(turn, { timeout: 30_000 }).toBeDefined();
  const request = () => collector.spans().find(({ spanId }) => spanId === turn()?.parentSpanId);
  await expect.poll(request, { timeout: 30_000 }).toMatchObject({ name: 'POST /conversations' });
});

it('is well before anybody has come', async () => {
  expect((await call('/health', undefined)).json).toMatchObject({ status: 'ok' });
});
